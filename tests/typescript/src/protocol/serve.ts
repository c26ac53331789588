// The process of a connector: where it listens, when it drains, when it ends.
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { isIP } from "node:net";

import { type Server, ServerCredentials } from "@grpc/grpc-js";

import type { Connector } from "./connector.js";
import { makeServer } from "./server.js";

/** Serve a connector as the environment says, until SIGTERM. What keeps it from serving is printed. */
export function serve<Config>(connector: Connector<Config>): void {
  started(connector, process.env).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
}

async function started<Config>(connector: Connector<Config>, environ: NodeJS.ProcessEnv): Promise<void> {
  const listen = environ["TOWPATH_LISTEN"];
  if (!listen) throw new Error("TOWPATH_LISTEN is not set; it says where to listen: unix:/path or host:port");
  const tokenFile = environ["TOWPATH_TOKEN_FILE"];
  const token = tokenFile ? readFileSync(tokenFile, "utf8").trim() : undefined;
  if (token === undefined && !isPrivate(listen)) {
    throw new Error(`refusing to listen on ${listen} without a token: set TOWPATH_TOKEN_FILE, or use a Unix socket`);
  }
  const stopping = new AbortController();
  const server = makeServer(connector, token, stopping.signal);
  await bind(server, listen, credentials(environ));
  const drainMs = Number(environ["TOWPATH_DRAIN_SECONDS"] ?? 20) * 1000;

  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(1); // asked twice
    stopping.abort();
    server.tryShutdown(() => process.exit(0));
    setTimeout(() => process.exit(1), drainMs);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  if (environ["TOWPATH_EXIT_WITH_PARENT"] === "1") {
    // Whoever started this process holds the other end; it closes when that one is gone, however it ended.
    process.stdin
      .resume()
      .on("end", () => process.exit(0))
      .on("error", () => process.exit(0));
  }
}

async function bind(server: Server, listen: string, how: ServerCredentials): Promise<void> {
  const socket = listen.startsWith("unix:") ? listen.slice("unix:".length) : undefined;
  if (socket !== undefined) rmSync(socket, { force: true }); // a killed predecessor's
  await new Promise<void>((bound, failed) => {
    server.bindAsync(listen, how, (error) => (error ? failed(error) : bound()));
  });
  if (socket !== undefined) chmodSync(socket, 0o700);
}

/** Whether only this machine can reach an address. */
function isPrivate(listen: string): boolean {
  if (listen.startsWith("unix:")) return true;
  const host = listen.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function credentials(environ: NodeJS.ProcessEnv): ServerCredentials {
  const [certificate, key] = [environ["TOWPATH_TLS_CERT_FILE"], environ["TOWPATH_TLS_KEY_FILE"]];
  if (!certificate && !key) return ServerCredentials.createInsecure();
  if (!certificate || !key) throw new Error("TOWPATH_TLS_CERT_FILE and TOWPATH_TLS_KEY_FILE belong together");
  const pair = { cert_chain: readFileSync(certificate), private_key: readFileSync(key) };
  return ServerCredentials.createSsl(null, [pair]);
}
