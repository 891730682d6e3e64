// SPDX-License-Identifier: MIT
// The last word of a replica: that it has applied everything there will ever be. So nobody waits for it, and then its
// lease can be given back, which removes the key. It is said by who stops in order, and for who was killed by the
// process after him.
#include "replica.h"

#include <inttypes.h>
#include <stdio.h>

static enum err call(struct replica *replica, const char *path, const ProtobufCMessage *message,
                     void (*on_end)(void *, const struct outcome *))
{
    const struct call call = {.path = path,
                              .message = message,
                              .token = replica->token,
                              .timeout_ms = replica->cluster->request_ms,
                              .on_end = on_end,
                              .context = replica};
    return channel_call(replica->channel, &call);
}

// Whether it was heard matters little: the lease ends anyhow.
static void on_said(void *context, const struct outcome *outcome)
{
    (void)outcome;
    struct replica *replica = context;
    Etcd__LeaseRevokeRequest request = ETCD__LEASE_REVOKE_REQUEST__INIT;
    request.id = replica->farewell.lease;
    if (call(replica, "/etcdserverpb.Lease/LeaseRevoke", &request.base, replica->farewell.on_end) != ERR_OK)
        replica->farewell.on_end(replica, &(struct outcome){.code = GRPC_UNAVAILABLE, .is_local = true, .text = ""});
}

enum err farewell_say(struct replica *replica, const char *id, int64_t lease,
                      void (*on_end)(void *, const struct outcome *))
{
    char value[24];
    struct key_text key = key_of_live(replica->cluster->prefix, id);
    Etcd__PutRequest request = ETCD__PUT_REQUEST__INIT;
    int n = snprintf(value, sizeof value, "%" PRIu64, LIVE_FAREWELL);
    request.key = (ProtobufCBinaryData){key.n, (uint8_t *)key.at};
    request.value = (ProtobufCBinaryData){(size_t)n, (uint8_t *)value};
    request.lease = lease;
    replica->farewell.lease = lease;
    replica->farewell.on_end = on_end;
    return call(replica, "/etcdserverpb.KV/Put", &request.base, on_said);
}
