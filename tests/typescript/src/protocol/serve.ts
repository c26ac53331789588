// The process of a connector: where it listens, when it drains, when it ends.
import { readFileSync, rmSync } from "node:fs";

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
    process.stdin.resume().on("end", () => process.exit(0)).on("error", () => process.exit(0));
  }
}

async function bind(server: Server, listen: string, how: ServerCredentials): Promise<void> {
  if (listen.startsWith("unix:")) rmSync(listen.slice("unix:".length), { force: true }); // of a killed predecessor
  await new Promise<void>((bound, failed) => {
    server.bindAsync(listen, how, (error) => (error ? failed(error) : bound()));
  });
}

function credentials(environ: NodeJS.ProcessEnv): ServerCredentials {
  const [certificate, key] = [environ["TOWPATH_TLS_CERT_FILE"], environ["TOWPATH_TLS_KEY_FILE"]];
  if (!certificate && !key) return ServerCredentials.createInsecure();
  if (!certificate || !key) throw new Error("TOWPATH_TLS_CERT_FILE and TOWPATH_TLS_KEY_FILE belong together");
  const pair = { cert_chain: readFileSync(certificate), private_key: readFileSync(key) };
  return ServerCredentials.createSsl(null, [pair]);
}
