/* A provider that costs nothing: one thread, one epoll, answers that were made before the first request.
 *
 *   gcc -O2 -o mock_provider mock_provider.c && ./mock_provider PORT [EVENTS [GAP_MS]]
 *
 * The first part of the path says how a stream is sent; the rest of it is ignored:
 *   /burst/...  all events in one write
 *   /split/...  one write for each event
 *   /paced/...  one event every GAP_MS milliseconds; its text is "@NANOSECONDS;", the monotonic time of its write
 * A POST whose body says "stream": true gets EVENTS server-sent events, any other POST one chat completion, a GET a list of models.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

typedef struct { char *data; size_t size, room; } Bytes;
typedef enum { BURST, SPLIT, PACED } Way;
typedef struct Peer {
    int fd, paced, closed;        /* paced: the next event of a stream that is under way, 0 for none */
    Bytes in, out;                /* out: what the socket did not take */
    long long due;
    struct Peer *next;            /* in the queue of paced streams, or among the closed */
} Peer;

static int loop_fd, events = 100;
static long long gap_ns = 20000000;
static Bytes models, answer, stream_head, burst, *event;   /* event[0 .. events-1], each framed as a chunk */
static Peer *first_due, *last_due, *closed;                /* every gap is equal, so whoever is appended is due last */

static void fail(const char *what) { perror(what); exit(1); }

static long long monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void append(Bytes *to, const char *data, size_t size) {
    if (to->size + size + 1 > to->room) {
        to->room = (to->size + size + 1) * 2;
        if (!(to->data = realloc(to->data, to->room))) fail("realloc");
    }
    memcpy(to->data + to->size, data, size);
    to->size += size;
    to->data[to->size] = 0;
}

static void print(Bytes *to, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(to, text, size);
}

static void head(Bytes *to, const char *type) {
    print(to, "HTTP/1.1 200 OK\r\ndate: Wed, 25 Nov 2026 00:00:00 GMT\r\ncontent-type: %s\r\n", type);
    print(to, "openai-processing-ms: 318\r\nopenai-version: 2020-10-01\r\nx-request-id: req_5f0c8d2b7a914e36b1d0c4e8f9a27b63\r\n");
    print(to, "x-ratelimit-limit-requests: 30000\r\nx-ratelimit-limit-tokens: 150000000\r\nx-ratelimit-remaining-requests: 29999\r\n");
    print(to, "x-ratelimit-remaining-tokens: 149999800\r\nx-ratelimit-reset-requests: 2ms\r\nx-ratelimit-reset-tokens: 0s\r\n");
}

static void whole(Bytes *to, const char *body) {
    head(to, "application/json");
    print(to, "content-length: %zu\r\n\r\n%s", strlen(body), body);
}

static void chunk(Bytes *to, const char *data) { print(to, "%zx\r\n%s\r\n", strlen(data), data); }

#define USAGE(OUT) "{\"prompt_tokens\":164,\"completion_tokens\":" OUT ",\"total_tokens\":%d," \
    "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0," \
    "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}"
#define CHUNK "data: {\"id\":\"chatcmpl-BenchmarkAnswer0000000001\",\"object\":\"chat.completion.chunk\",\"created\":1795564800," \
    "\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_51db84afab\","
#define CHOICE(DELTA, REASON) CHUNK "\"choices\":[{\"index\":0,\"delta\":" DELTA ",\"logprobs\":null,\"finish_reason\":" REASON "}]," \
    "\"usage\":null}\n\n"
#define TEXT CHOICE("{\"content\":\"%s\"}", "null")

static void prepare(void) {
    static const char *words[] = {" parcel", " was", " found", " again", " today"};
    char text[2048];
    whole(&models, "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-4o-mini\",\"object\":\"model\",\"created\":1721172741,\"owned_by\":\"system\"}]}");
    snprintf(text, sizeof text, "{\"id\":\"chatcmpl-BenchmarkAnswer0000000001\",\"object\":\"chat.completion\",\"created\":1795564800,"
        "\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Both shipments are "
        "credited, and a new pallet leaves on Monday; the carrier confirms the slot by noon.\",\"refusal\":null,\"annotations\":[]},"
        "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":" USAGE("21") ",\"service_tier\":\"default\","
        "\"system_fingerprint\":\"fp_51db84afab\"}", 185);
    whole(&answer, text);
    head(&stream_head, "text/event-stream; charset=utf-8");
    print(&stream_head, "transfer-encoding: chunked\r\n\r\n");
    if (!(event = calloc(events, sizeof *event))) fail("calloc");
    chunk(&event[0], CHOICE("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null"));
    for (int i = 1; i < events - 3; i++) {
        snprintf(text, sizeof text, TEXT, words[i % 5]);
        chunk(&event[i], text);
    }
    chunk(&event[events - 3], CHOICE("{}", "\"stop\""));
    snprintf(text, sizeof text, CHUNK "\"choices\":[],\"usage\":" USAGE("%d") "}\n\n", events - 4, 164 + events - 4);
    chunk(&event[events - 2], text);
    chunk(&event[events - 1], "data: [DONE]\n\n");
    print(&event[events - 1], "0\r\n\r\n");
    append(&burst, stream_head.data, stream_head.size);
    for (int i = 0; i < events; i++) append(&burst, event[i].data, event[i].size);
}

static void watch(Peer *peer, unsigned what, int operation) {
    struct epoll_event wanted = {.events = what, .data.ptr = peer};
    if (epoll_ctl(loop_fd, operation, peer->fd, &wanted)) fail("epoll_ctl");
}

static void drop(Peer *peer) {                  /* its memory is freed when the batch of events is through */
    if (peer->closed) return;
    peer->closed = 1;
    close(peer->fd);
    if (peer->paced) return;                    /* the queue still has it, and passes it on when it is due */
    peer->next = closed;
    closed = peer;
}

static void empty_closed(void) {
    while (closed) {
        Peer *peer = closed;
        closed = peer->next;
        free(peer->in.data);
        free(peer->out.data);
        free(peer);
    }
}

static void push(Peer *peer) {                  /* what waits to be sent, as far as the socket takes it */
    size_t sent = 0;
    while (sent < peer->out.size) {
        ssize_t taken = send(peer->fd, peer->out.data + sent, peer->out.size - sent, MSG_NOSIGNAL);
        if (taken < 0 && errno != EAGAIN) { drop(peer); return; }
        if (taken < 0) break;
        sent += taken;
    }
    memmove(peer->out.data, peer->out.data + sent, peer->out.size - sent);
    peer->out.size -= sent;
    watch(peer, peer->out.size ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void put(Peer *peer, const Bytes *what) {
    ssize_t taken = 0;
    if (peer->closed) return;
    if (!peer->out.size) {
        taken = send(peer->fd, what->data, what->size, MSG_NOSIGNAL);
        if (taken == (ssize_t)what->size) return;
        if (taken < 0 && errno != EAGAIN) { drop(peer); return; }
        if (taken < 0) taken = 0;
        watch(peer, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    append(&peer->out, what->data + taken, what->size - taken);
}

static void schedule(Peer *peer, long long due) {
    peer->due = due;
    peer->next = NULL;
    if (first_due) last_due->next = peer; else first_due = peer;
    last_due = peer;
}

static void reply(Peer *peer, Way way, int is_get, int streams) {
    if (is_get) { put(peer, &models); return; }
    if (!streams) { put(peer, &answer); return; }
    if (way == BURST) { put(peer, &burst); return; }
    put(peer, &stream_head);
    put(peer, &event[0]);
    if (peer->closed) return;
    if (way == PACED) { peer->paced = 1; schedule(peer, monotonic_ns() + gap_ns); return; }
    for (int i = 1; i < events; i++) put(peer, &event[i]);
}

static int asks_for_stream(const char *body, size_t size) {
    const char *at = memmem(body, size, "\"stream\"", 8), *end = body + size;
    if (!at) return 0;
    for (at += 8; at < end && strchr(" \t:", *at); at++) {}
    return end - at >= 4 && !memcmp(at, "true", 4);
}

static void read_requests(Peer *peer) {         /* every request that is there as a whole */
    while (!peer->closed && !peer->paced && peer->in.size) {
        char *data = peer->in.data, *end = memmem(data, peer->in.size, "\r\n\r\n", 4);
        if (!end) return;
        size_t head_size = end + 4 - data, body_size = 0, there = peer->in.size - head_size;
        *end = 0;
        char *length = strcasestr(data, "\ncontent-length:");
        int in_chunks = strcasestr(data, "\ntransfer-encoding: chunked") != NULL, is_get = !strncmp(data, "GET ", 4);
        char *path = strchr(data, ' ');
        Way way = path && !strncmp(path, " /split/", 8) ? SPLIT : path && !strncmp(path, " /paced/", 8) ? PACED : BURST;
        if (length) body_size = strtoul(length + 16, NULL, 10);
        *end = '\r';
        if (in_chunks) {
            char *last = memmem(end + 2, there + 2, "\r\n0\r\n\r\n", 7);
            if (!last) return;
            body_size = last + 7 - (end + 4);
        }
        if (there < body_size) return;
        int streams = asks_for_stream(end + 4, body_size);
        memmove(data, data + head_size + body_size, there - body_size);
        peer->in.size = there - body_size;
        reply(peer, way, is_get, streams);
    }
}

static void receive(Peer *peer) {
    char data[65536];
    ssize_t size = recv(peer->fd, data, sizeof data, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) { drop(peer); return; }
    append(&peer->in, data, size);
    read_requests(peer);
}

static void send_due(long long now) {
    while (first_due && first_due->due <= now) {
        Peer *peer = first_due;
        first_due = peer->next;
        int i = peer->paced;
        if (peer->closed) { peer->next = closed; closed = peer; continue; }
        if (i < events - 3) {
            static Bytes stamped;
            char text[64], data[1024];
            snprintf(text, sizeof text, "@%lld;", monotonic_ns());
            snprintf(data, sizeof data, TEXT, text);
            stamped.size = 0;
            chunk(&stamped, data);
            peer->paced = i + 1;
            put(peer, &stamped);
            schedule(peer, peer->due + gap_ns);
            continue;
        }
        peer->paced = 0;
        for (; i < events; i++) put(peer, &event[i]);
        read_requests(peer);
    }
}

static void admit(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Peer *peer = calloc(1, sizeof *peer);
        if (!peer) fail("calloc");
        peer->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(peer, EPOLLIN, EPOLL_CTL_ADD);
    }
}

int main(int count, char **arguments) {
    if (count < 2) { fprintf(stderr, "usage: mock_provider PORT [EVENTS [GAP_MS]]\n"); return 2; }
    if (count > 2) events = atoi(arguments[2]);
    if (count > 3) gap_ns = atol(arguments[3]) * 1000000LL;
    if (events < 8) { fprintf(stderr, "mock_provider: a stream needs 8 events\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    prepare();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 4096)) fail("listen");
    if ((loop_fd = epoll_create1(0)) < 0) fail("epoll_create1");
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL}, happened[512];
    if (epoll_ctl(loop_fd, EPOLL_CTL_ADD, listener, &wanted)) fail("epoll_ctl");
    for (;;) {
        long long left = first_due ? first_due->due - monotonic_ns() : -1000000;
        int wait_ms = !first_due ? -1 : left <= 0 ? 0 : (int)((left + 999999) / 1000000);
        int many = epoll_wait(loop_fd, happened, 512, wait_ms);
        for (int i = 0; i < many; i++) {
            Peer *peer = happened[i].data.ptr;
            if (!peer) { admit(listener); continue; }
            if (!peer->closed && happened[i].events & EPOLLOUT) push(peer);
            if (!peer->closed && happened[i].events & ~EPOLLOUT) receive(peer);
        }
        send_due(monotonic_ns());
        empty_closed();
    }
}
