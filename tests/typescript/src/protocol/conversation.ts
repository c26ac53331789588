// One bidirectional call, with messages to wait for: backpressure both ways, and cancellation as an AbortSignal.
import type { ServerDuplexStream } from "@grpc/grpc-js";

import { errorOf, Failure } from "./failure.js";

/** A call as its handler sees it. */
export class Conversation<Received, Sent> {
  /** Aborted when the caller has cancelled, its deadline has passed, or the call has failed. */
  readonly signal: AbortSignal;
  readonly #call: ServerDuplexStream<Received, Sent>;
  readonly #messages: AsyncIterator<Received>;
  readonly #abort = new AbortController();
  readonly #aborted: Promise<never>;

  constructor(call: ServerDuplexStream<Received, Sent>) {
    this.#call = call;
    this.#messages = call.iterator({ destroyOnReturn: false });
    this.signal = this.#abort.signal;
    this.#aborted = rejectedBy(this.signal);
    call.once("cancelled", () => this.#abort.abort());
  }

  /** The next message; undefined after the half-close. Fails when the call is cancelled. */
  async next(): Promise<Received | undefined> {
    const { value, done } = await Promise.race([this.#messages.next(), this.#aborted]);
    return done ? undefined : value;
  }

  /** Send a message; waits while flow control holds it. Fails when the call is cancelled. */
  async send(message: Sent): Promise<void> {
    this.signal.throwIfAborted();
    await Promise.race([new Promise<void>((sent) => this.#call.write(message, () => sent())), this.#aborted]);
  }

  /** End the call well. */
  end(): void {
    this.#call.end();
  }

  /** End the call with a failure; what still works for it is aborted. */
  fail(error: unknown): void {
    if (!this.signal.aborted) this.#call.emit("error", errorOf(error));
    this.#abort.abort();
  }
}

/** A promise that never fulfils, and fails as cancelled once the signal is aborted. */
export function rejectedBy(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) => {
    const cancel = (): void => reject(new Failure("cancelled", "the call was cancelled"));
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
  });
  rejected.catch(() => undefined); // nobody may be waiting when it happens
  return rejected;
}
