/** States of sources as people read and edit them: text where they are some, base64 where they are not. */
import { parseJson } from "./json";

export interface StateText {
  /** What the SDK puts before a state: kind and checksum. The server makes the checksum anew. */
  readonly mark: string;
  readonly kind: "json" | "text" | "base64";
  readonly text: string;
}

const MARK = /^towpath:(json|bytes):[0-9a-f]{8}:/;

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

export function stateText(state: Uint8Array): StateText {
  const head = new TextDecoder("latin1").decode(state.slice(0, 40));
  const match = MARK.exec(head);
  const mark = match?.[0] ?? "";
  const content = state.slice(mark.length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    if (!/[\u0000-\u0008\u000b-\u001f]/.test(text))
      return { mark, kind: match?.[1] === "json" ? "json" : "text", text };
  } catch {
    // Bytes that are no text.
  }
  return { mark, kind: "base64", text: base64(content) };
}

/** The bytes of an edited state. Throws when it is not what its kind says, or empty. */
export function stateBytes({ mark, kind, text }: StateText): Uint8Array<ArrayBuffer> {
  if (text.trim() === "") throw new Error("empty");
  if (kind === "json") parseJson(text);
  const encoder = new TextEncoder();
  const content = kind === "base64" ? Uint8Array.from(atob(text), (each) => each.charCodeAt(0)) : encoder.encode(text);
  const head = encoder.encode(mark);
  const whole = new Uint8Array(head.length + content.length);
  whole.set(head);
  whole.set(content, head.length);
  return whole;
}
