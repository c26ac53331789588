// Who may call: everybody who knows the token; health needs none.
import { timingSafeEqual } from "node:crypto";

import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";

const HEALTH_METHOD = "/grpc.health.v1.Health/Check";

/** Demand the token on every call but health. */
export function demand(token: string): ServerInterceptor {
  const wanted = Buffer.from(`Bearer ${token}`);
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, accept) {
            const values = metadata.get("authorization");
            const given = Buffer.from(values.length === 1 ? String(values[0]) : "");
            if (method.path === HEALTH_METHOD || (given.length === wanted.length && timingSafeEqual(given, wanted))) {
              accept(metadata);
            } else {
              call.sendStatus({ code: status.UNAUTHENTICATED, details: "the token is missing or wrong" });
            }
          },
        }),
    });
}
