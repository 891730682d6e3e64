// SPDX-License-Identifier: MIT
// Asks a DNS server over UDP, either as fast as it answers (`window` questions under way at once) or at a fixed `rate`.
//
// The generator has to cost less than the server it measures, so questions are made beforehand, a burst leaves by one
// sendmsg that the kernel cuts into datagrams (UDP_SEGMENT; all questions are equally long), and answers come in by
// recvmmsg. It spins on its core, unless `sleep` is set: then it waits for the next answer or the next question that is
// due, as a client on a machine that others use as well must.
//
// An answer finds its question by socket and id. What has not come back when its id is used again is lost; when nothing
// has come back for STALL_NS, so is everything under way.
#include "args.h"
#include "meter.h"
#include "question.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { SOCKETS = 4, BURST_MAX = 64, ANSWER_BYTES = 2048, IDS = 65536, BUFFER_BYTES = 8 << 20 };
enum { STALL_NS = 50 * 1000 * 1000 };

static double port, accounts = 100000, warm_up = 0.2, seconds = 2, window = 200, rate, burst = 32, sleeps,
                    n_questions = 200000;
static const char *pids = "";

static const struct arg args[] = {
    {"port", &port, NULL},       {"accounts", &accounts, NULL}, {"warm_up", &warm_up, NULL},
    {"seconds", &seconds, NULL}, {"window", &window, NULL},     {"rate", &rate, NULL},
    {"burst", &burst, NULL},     {"sleep", &sleeps, NULL},      {"questions", &n_questions, NULL},
    {"pids", NULL, &pids},
};

struct flow {
    int fd;
    uint16_t next_id;
    uint64_t sent_ns[IDS]; // 0: not under way
};

static struct flow flows[SOCKETS];
static struct questions questions;
static struct meter meter;
static unsigned n_under_way;
static uint64_t heard_ns; // the last answer

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void open_flow(struct flow *flow)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int size = BUFFER_BYTES;
    flow->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (flow->fd < 0 || connect(flow->fd, (const struct sockaddr *)&server, sizeof server) != 0)
        die("socket");
    if (setsockopt(flow->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) // needs root; else as much as we may
        (void)setsockopt(flow->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

// How many questions to send now.
static unsigned n_due(uint64_t now_ns)
{
    static uint64_t start_ns;
    static double n_scheduled;
    unsigned most = (unsigned)burst;
    if (rate <= 0) {
        unsigned room = (unsigned)window > n_under_way ? (unsigned)window - n_under_way : 0;
        return room >= most ? most : n_under_way == 0 ? room : 0;
    }
    if (start_ns == 0)
        start_ns = now_ns;
    double target = rate * (double)(now_ns - start_ns) / 1e9;
    if (target - n_scheduled > rate / 20) // 50 ms late: those are not made up for
        n_scheduled = target;
    unsigned n = target > n_scheduled ? (unsigned)(target - n_scheduled) : 0;
    n = n < most ? n : most;
    n_scheduled += n;
    return n;
}

static void send_burst(struct flow *flow, unsigned n, uint64_t now_ns)
{
    static uint8_t out[BURST_MAX][QUESTION_BYTES];
    union { // for the alignment
        char space[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr header;
    } control = {0};
    for (unsigned i = 0; i < n; i++) {
        uint16_t id = flow->next_id++;
        questions_take(&questions, id, out[i]);
        if (flow->sent_ns[id] != 0 && n_under_way > 0)
            n_under_way--;
        flow->sent_ns[id] = now_ns;
    }
    struct iovec all = {out, (size_t)n * QUESTION_BYTES};
    struct msghdr message = {.msg_iov = &all, .msg_iovlen = 1};
    if (n > 1) {
        control.header = (struct cmsghdr){CMSG_LEN(sizeof(uint16_t)), IPPROTO_UDP, UDP_SEGMENT};
        memcpy(CMSG_DATA(&control.header), &(uint16_t){QUESTION_BYTES}, sizeof(uint16_t));
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
    }
    (void)sendmsg(flow->fd, &message, 0); // what does not leave is lost, as on the way
    n_under_way += n;
    meter.n_sent += n;
}

static void take_answer(struct flow *flow, const uint8_t *answer, unsigned n)
{
    uint64_t *sent_ns = &flow->sent_ns[question_id(answer)];
    if (*sent_ns == 0) // given up before
        return;
    meter_answer(&meter, heard_ns - *sent_ns, n, question_rcode(answer));
    *sent_ns = 0;
    if (n_under_way > 0)
        n_under_way--;
}

static bool receive(struct flow *flow)
{
    static uint8_t in[BURST_MAX][ANSWER_BYTES];
    static struct iovec at[BURST_MAX];
    static struct mmsghdr messages[BURST_MAX];
    for (unsigned i = 0; i < BURST_MAX && at[i].iov_len == 0; i++) {
        at[i] = (struct iovec){in[i], ANSWER_BYTES};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &at[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(flow->fd, messages, BURST_MAX, MSG_DONTWAIT, NULL);
    if (n <= 0)
        return false;
    heard_ns = meter_now_ns();
    for (int i = 0; i < n; i++)
        take_answer(flow, in[i], messages[i].msg_len);
    return true;
}

static void give_up_when_stalled(uint64_t now_ns)
{
    if (now_ns - heard_ns < STALL_NS)
        return;
    for (unsigned i = 0; i < SOCKETS; i++)
        memset(flows[i].sent_ns, 0, sizeof flows[i].sent_ns);
    n_under_way = 0;
    heard_ns = now_ns;
}

// Until an answer is there or the next question may be due.
static void wait_a_while(void)
{
    struct pollfd fds[SOCKETS];
    for (unsigned i = 0; i < SOCKETS; i++)
        fds[i] = (struct pollfd){.fd = flows[i].fd, .events = POLLIN};
    struct timespec interval = {.tv_nsec = rate > 2 ? (long)(1e9 / rate / 2) : 500 * 1000 * 1000};
    (void)ppoll(fds, SOCKETS, &interval, NULL);
}

int main(int argc, char **argv)
{
    args_read(argc, argv, args, sizeof args / sizeof args[0]);
    burst = burst < BURST_MAX ? burst : BURST_MAX;
    questions_make(&questions, (size_t)n_questions, (uint64_t)accounts);
    for (unsigned i = 0; i < SOCKETS; i++)
        open_flow(&flows[i]);
    (void)prctl(PR_SET_TIMERSLACK, 1000); // nanoseconds: wake up when it was asked for
    meter_open(&meter, &(struct meter_options){warm_up, seconds, pids});
    unsigned turn = 0;
    for (uint64_t now_ns = heard_ns = meter_now_ns(); meter_goes_on(&meter, now_ns); now_ns = meter_now_ns()) {
        unsigned n = n_due(now_ns);
        if (n > 0)
            send_burst(&flows[turn++ % SOCKETS], n, now_ns);
        bool is_heard = false;
        for (unsigned i = 0; i < SOCKETS; i++)
            is_heard |= receive(&flows[i]);
        if (!is_heard && rate <= 0)
            give_up_when_stalled(now_ns);
        else if (!is_heard && sleeps != 0)
            wait_a_while();
    }
    meter_print(&meter);
    return 0;
}
