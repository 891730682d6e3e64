// SPDX-License-Identifier: MIT
// Arenas: zeroed, aligned, apart from each other, and gone together. The sanitizers see what is not.
#include "arena.h"

#include "expect.h"

#include <stdalign.h>

static int new_arena(void **state)
{
    struct arena *arena;
    expect_ok(arena_new(&arena));
    *state = arena;
    return 0;
}

static int free_arena(void **state)
{
    arena_free(*state);
    return 0;
}

static void what_is_taken_is_zeroed_aligned_and_apart(void **state)
{
    uint8_t *taken[64];
    for (size_t n = 0; n < N_OF(taken); n++) {
        taken[n] = arena_take(*state, n, 3);
        assert_non_null(taken[n]);
        assert_int_equal((uintptr_t)taken[n] % alignof(max_align_t), 0);
        for (size_t i = 0; i < 3 * n; i++)
            assert_int_equal(taken[n][i], 0);
        memset(taken[n], (int)n, 3 * n);
    }
    for (size_t n = 0; n < N_OF(taken); n++)
        for (size_t i = 0; i < 3 * n; i++)
            assert_int_equal(taken[n][i], n);
}

static void a_size_beyond_all_memory_is_refused(void **state)
{
    assert_null(arena_take(*state, SIZE_MAX, 2));
    assert_null(arena_take(*state, 2, SIZE_MAX));
    assert_null(arena_take(*state, SIZE_MAX / 2 + 1, 2));
    assert_null(arena_take(*state, 1, SIZE_MAX));
    assert_null(arena_take(*state, SIZE_MAX, 1));
    assert_non_null(arena_take(*state, 1, 1)); // and does no harm
}

static void a_text_is_copied_with_a_nul_behind_it(void **state)
{
    char original[] = "text";
    char *copy = arena_take_text(*state, (struct bytes){(const uint8_t *)original, 3});
    original[0] = 'x';
    assert_string_equal(copy, "tex");
    assert_string_equal(arena_take_text(*state, (struct bytes){0}), "");
    assert_memory_equal(arena_take_text(*state, (struct bytes){(const uint8_t *)"a\0b", 3}), "a\0b", 4);
}

static void no_arena_can_be_freed(void **)
{
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_zeroed_aligned_and_apart, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(a_size_beyond_all_memory_is_refused, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(a_text_is_copied_with_a_nul_behind_it, new_arena, free_arena),
        cmocka_unit_test(no_arena_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
