// SPDX-License-Identifier: MIT
// Who is waited for, who is not, and how long: the table of live replicas, the lists of changes, the barrier, the
// states.
#include "replica.h"

#include "expect.h"

#include <stdlib.h>

enum { GRACE_S = 100, GRACE_MS = 1000 * GRACE_S };

// -- A replica without a thread, and changes that remember how they ended

static struct replica *make_replica(void)
{
    static const struct store_cluster cluster = {.barrier_s = 10, .request_ms = 100, .lease_s = 2 * GRACE_S};
    struct replica *replica = aligned_alloc(64, (sizeof *replica + 63) / 64 * 64);
    struct counters *counters = aligned_alloc(64, sizeof *counters);
    assert_true(replica != NULL && counters != NULL);
    memset(replica, 0, sizeof *replica);
    memset(counters, 0, sizeof *counters);
    replica->cluster = &cluster;
    replica->counters = counters;
    replica->histograms = calloc(1, sizeof *replica->histograms);
    assert_non_null(replica->histograms);
    strcpy(replica->id, "own");
    assert_int_equal(uv_loop_init(&replica->loop), 0);
    return replica;
}

static void free_replica(struct replica *replica)
{
    assert_int_equal(uv_loop_close(&replica->loop), 0);
    live_free(&replica->live);
    free(replica->counters);
    free(replica->histograms);
    free(replica);
}

static void on_done(struct change *change)
{
    change->rdata.n = 1;
}

static bool is_done(const struct change *change)
{
    return change->rdata.n == 1;
}

static void wait_for(struct replica *replica, struct change *change, uint64_t revision)
{
    struct changes changes = {0};
    *change = (struct change){.on_done = on_done, .result = ERR_SYNTAX};
    changes_add(&changes, change);
    barrier_add(replica, &changes, revision);
    assert_true(changes_are_none(&changes));
}

static void say(struct replica *replica, const char *id, uint64_t since, uint64_t said, const char *applied)
{
    struct live_replica other = {.since = since, .said = said};
    strcpy(other.id, id);
    expect_ok(live_note(&replica->live, &other, bytes_of_text(applied)));
}

static void see(struct replica *replica, uint64_t revision)
{
    replica->copy.seen = revision;
    barrier_turn(replica);
}

// -- The barrier

static void alone_a_change_waits_for_the_own_copy(void **)
{
    struct replica *replica = make_replica();
    struct change change;
    say(replica, "own", 5, 5, "4"); // its own word does not count, its copy does
    wait_for(replica, &change, 10);
    see(replica, 9);
    assert_false(is_done(&change));
    see(replica, 10);
    assert_true(is_done(&change));
    assert_int_equal(change.result, ERR_OK);
    free_replica(replica);
}

static void a_change_waits_for_everybody_who_was_live(void **)
{
    struct replica *replica = make_replica();
    struct change change;
    say(replica, "a", 5, 5, "4");
    say(replica, "b", 6, 6, "5");
    wait_for(replica, &change, 10);
    see(replica, 10);
    say(replica, "a", 5, 11, "10");
    see(replica, 11);
    assert_false(is_done(&change));
    say(replica, "b", 6, 12, "9");
    see(replica, 12);
    assert_false(is_done(&change));
    say(replica, "b", 6, 13, "12");
    see(replica, 13);
    assert_true(is_done(&change));
    free_replica(replica);
}

static void who_dies_is_waited_for_until_the_grace_is_over(void **)
{
    struct replica *replica = make_replica();
    struct change change;
    say(replica, "a", 5, 5, "4");
    wait_for(replica, &change, 10);
    int64_t now_ms = board_now_ms();
    live_drop(&replica->live, bytes_of_text("a"), 11, now_ms);
    see(replica, 11);
    assert_false(is_done(&change));
    assert_false(live_have_applied(&replica->live, 10, "own", now_ms));
    assert_true(live_have_applied(&replica->live, 10, "own", now_ms + 1));
    replica->live.at[0].gone_ms = now_ms - GRACE_MS - 1;
    see(replica, 12);
    assert_true(is_done(&change));
    free_replica(replica);
}

static void who_has_left_nothing_but_a_mark_has_the_grace_too(void **)
{
    struct replica *replica = make_replica();
    struct live_replica a = {.id = "a", .since = 5, .said = 5}, b = {.id = "b", .since = 5, .said = 5};
    live_begin_list(&replica->live);
    expect_ok(live_meet(&replica->live, &a));
    say(replica, "b", 6, 7, "6");
    expect_ok(live_meet(&replica->live, &b)); // its key is there
    live_end_list(&replica->live, 20, 1000);
    assert_int_equal(replica->live.n, 2);
    assert_false(live_have_applied(&replica->live, 6, "own", 1000));
    assert_true(live_have_applied(&replica->live, 6, "own", 1001));
    assert_false(live_have_applied(&replica->live, 7, "own", 1001)); // for "b"
    char id[KEY_REPLICA_MAX + 1];
    assert_false(live_take_gone(&replica->live, 1000, id));
    assert_true(live_take_gone(&replica->live, 1001, id));
    assert_string_equal(id, "a");
    assert_false(live_take_gone(&replica->live, 1001, id));
    free_replica(replica);
}

static void who_comes_back_right_after_the_list_is_live(void **)
{
    struct replica *replica = make_replica();
    say(replica, "a", 5, 5, "4");
    live_begin_list(&replica->live);
    live_end_list(&replica->live, 20, 1000);
    say(replica, "a", 21, 21, "19");
    assert_false(live_have_applied(&replica->live, 22, "own", INT64_MAX));
    free_replica(replica);
}

static void a_live_one_whose_lease_was_taken_is_waited_for_until_it_has_caught_up(void **)
{
    struct replica *replica = make_replica();
    struct change change;
    say(replica, "a", 5, 5, "4");
    live_drop(&replica->live, bytes_of_text("a"), 9, board_now_ms());
    wait_for(replica, &change, 10); // "a" does not know yet, and answers
    see(replica, 10);
    assert_false(is_done(&change));
    say(replica, "a", 12, 12, "8"); // back, with what it had
    see(replica, 12);
    assert_false(is_done(&change));
    say(replica, "a", 12, 13, "12");
    see(replica, 13);
    assert_true(is_done(&change));
    free_replica(replica);
}

static void who_said_farewell_is_not_waited_for(void **)
{
    struct replica *replica = make_replica();
    struct change change;
    say(replica, "a", 5, 5, "4");
    wait_for(replica, &change, 10);
    see(replica, 10);
    assert_false(is_done(&change));
    say(replica, "a", 5, 11, "18446744073709551615");
    see(replica, 11);
    assert_true(is_done(&change));
    live_drop(&replica->live, bytes_of_text("a"), 12, board_now_ms());
    wait_for(replica, &change, 13);
    see(replica, 13);
    assert_true(is_done(&change));
    free_replica(replica);
}

static void a_list_of_all_keys_tells_who_has_gone(void **)
{
    struct replica *replica = make_replica();
    say(replica, "a", 5, 5, "4");
    say(replica, "b", 6, 6, "5");
    live_begin_list(&replica->live);
    say(replica, "b", 6, 6, "5");
    say(replica, "c", 7, 7, "6");
    live_end_list(&replica->live, 20, 1000);
    assert_int_equal(replica->live.n, 3);
    assert_false(live_have_applied(&replica->live, 6, "own", 1000));
    assert_true(live_have_applied(&replica->live, 6, "own", 1001));
    assert_false(live_have_applied(&replica->live, 7, "own", 1001));
    free_replica(replica);
}

static void who_came_later_has_it_and_is_not_waited_for_until_the_next_change(void **)
{
    struct replica *replica = make_replica();
    struct change change, next;
    wait_for(replica, &change, 10);
    say(replica, "late", 11, 11, "8");
    see(replica, 11);
    assert_true(is_done(&change));
    wait_for(replica, &next, 12);
    see(replica, 12);
    assert_false(is_done(&next));
    say(replica, "late", 11, 13, "12");
    see(replica, 13);
    assert_true(is_done(&next));
    free_replica(replica);
}

static void changes_end_in_the_order_of_their_revisions_not_of_their_coming(void **)
{
    struct replica *replica = make_replica();
    struct change late, early;
    wait_for(replica, &late, 12);
    wait_for(replica, &early, 7); // a registration that an earlier attempt had made
    see(replica, 7);
    assert_true(is_done(&early) && !is_done(&late));
    see(replica, 12);
    assert_true(is_done(&late));
    free_replica(replica);
}

static void the_barrier_has_a_deadline(void **)
{
    struct replica *replica = make_replica();
    struct change change;
    say(replica, "a", 5, 5, "4");
    wait_for(replica, &change, 10);
    see(replica, 10);
    uint64_t deadline_ms = uv_now(&replica->loop) + 10000;
    barrier_end_late(replica, deadline_ms - 1);
    assert_false(is_done(&change));
    barrier_end_late(replica, deadline_ms);
    assert_true(is_done(&change));
    assert_int_equal(change.result, ERR_BARRIER);
    assert_int_equal(counter_value(replica->counters, COUNT_cluster_barrier_timeouts), 1);
    see(replica, 20); // it is gone
    free_replica(replica);
}

// -- The table of live replicas

static void an_older_announcement_changes_nothing(void **)
{
    struct replica *replica = make_replica();
    say(replica, "a", 5, 12, "11");
    say(replica, "a", 5, 7, "6"); // comes by again when a watch is started anew
    assert_true(live_have_applied(&replica->live, 11, "own", 0));
    live_drop(&replica->live, bytes_of_text("a"), 9, 1);
    live_drop(&replica->live, bytes_of_text("b"), 99, 1);
    assert_false(live_have_applied(&replica->live, 12, "own", 2));
    live_drop(&replica->live, bytes_of_text("a"), 13, 1);
    say(replica, "a", 5, 12, "11"); // the watch begins in front of its end
    live_drop(&replica->live, bytes_of_text("a"), 13, 999);
    assert_true(live_have_applied(&replica->live, 12, "own", 2));
    free_replica(replica);
}

static void words_that_are_no_numbers_say_nothing(void **)
{
    struct replica *replica = make_replica();
    static const char *const words[] = {"", "x", "12x", "-1", "18446744073709551616", " 12"};
    for (unsigned i = 0; i < N_OF(words); i++) {
        say(replica, "a", 5, 10 + i, words[i]);
        assert_false(live_have_applied(&replica->live, 6, "own", 0));
    }
    say(replica, "a", 5, 20, "18446744073709551615");
    assert_true(live_have_applied(&replica->live, UINT64_MAX, "own", 0));
    free_replica(replica);
}

static void there_is_room_for_many_replicas(void **)
{
    struct replica *replica = make_replica();
    char id[KEY_REPLICA_MAX + 1];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "replica-%u", i);
        say(replica, id, 5, 5, "9");
    }
    assert_int_equal(replica->live.n, 100);
    assert_true(live_have_applied(&replica->live, 9, "own", 0));
    assert_false(live_have_applied(&replica->live, 10, "own", 0));
    for (unsigned i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "replica-%u", i);
        live_drop(&replica->live, bytes_of_text(id), 6, 1);
    }
    for (unsigned i = 0; i < 100; i++)
        assert_true(live_take_gone(&replica->live, 2, id));
    assert_int_equal(replica->live.n, 0);
    free_replica(replica);
}

static void who_has_been_live_for_longest_is_first(void **)
{
    struct replica *replica = make_replica();
    assert_false(live_is_first(&replica->live, "own"));
    say(replica, "own", 5, 5, "4");
    assert_true(live_is_first(&replica->live, "own"));
    say(replica, "younger", 7, 7, "6");
    say(replica, "own", 5, 9, "8");
    assert_true(live_is_first(&replica->live, "own"));
    say(replica, "older", 4, 10, "9");
    assert_false(live_is_first(&replica->live, "own"));
    live_drop(&replica->live, bytes_of_text("older"), 11, 1);
    assert_true(live_is_first(&replica->live, "own"));
    free_replica(replica);
}

// -- Lists

static void lists_keep_their_order(void **)
{
    struct change all[6] = {0};
    struct changes odd = {0}, even = {0}, late = {0};
    for (uint64_t i = 0; i < 6; i++) {
        all[i].deadline_ms = i;
        changes_add(i % 2 ? &odd : &even, &all[i]);
    }
    changes_append(&even, &odd);
    assert_true(changes_are_none(&odd));
    changes_append(&even, &odd);
    assert_int_equal(changes_n(&even), 6);
    changes_sift_late(&even, 3, &late); // 0 2 4 1 3 5 without 0 2 1 3
    static const uint64_t lates[] = {0, 2, 1, 3}, others[] = {4, 5};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(changes_take(&late)->deadline_ms, lates[i]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(changes_take(&even)->deadline_ms, others[i]);
    assert_null(changes_take(&even));
    changes_add(&even, &all[0]);
    assert_ptr_equal(changes_take(&even), &all[0]);
}

// -- States

static void nobody_is_in_step_who_has_not_caught_up(void **)
{
    for (enum state from = 0; from < N_STATES; from++) {
        assert_int_equal(state_may_follow(from, STATE_IN_STEP), from == STATE_CATCHING_UP);
        assert_int_equal(state_may_follow(from, STATE_AWAY), from != STATE_AWAY && from != STATE_LEAVING);
        assert_int_equal(state_may_follow(from, STATE_LEAVING), from != STATE_LEAVING);
        assert_false(state_may_follow(STATE_LEAVING, from));
    }
    assert_false(state_may_follow(STATE_AWAY, STATE_CATCHING_UP));
    assert_false(state_may_follow(STATE_LOADING, STATE_PROBING));
    assert_string_equal(state_text(STATE_CATCHING_UP), "catching_up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_a_change_waits_for_the_own_copy),
        cmocka_unit_test(a_change_waits_for_everybody_who_was_live),
        cmocka_unit_test(who_dies_is_waited_for_until_the_grace_is_over),
        cmocka_unit_test(who_has_left_nothing_but_a_mark_has_the_grace_too),
        cmocka_unit_test(who_comes_back_right_after_the_list_is_live),
        cmocka_unit_test(a_live_one_whose_lease_was_taken_is_waited_for_until_it_has_caught_up),
        cmocka_unit_test(who_said_farewell_is_not_waited_for),
        cmocka_unit_test(a_list_of_all_keys_tells_who_has_gone),
        cmocka_unit_test(who_came_later_has_it_and_is_not_waited_for_until_the_next_change),
        cmocka_unit_test(changes_end_in_the_order_of_their_revisions_not_of_their_coming),
        cmocka_unit_test(the_barrier_has_a_deadline),
        cmocka_unit_test(an_older_announcement_changes_nothing),
        cmocka_unit_test(words_that_are_no_numbers_say_nothing),
        cmocka_unit_test(there_is_room_for_many_replicas),
        cmocka_unit_test(who_has_been_live_for_longest_is_first),
        cmocka_unit_test(lists_keep_their_order),
        cmocka_unit_test(nobody_is_in_step_who_has_not_caught_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
