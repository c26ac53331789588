import { describe, expect, it } from "vitest";
import { stateBytes, stateText } from "./state-text";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the state of a source", () => {
  it("is shown without the mark of the SDK, and keeps it", () => {
    const shown = stateText(bytes('towpath:json:0badcafe:{"at":"2026-01-05"}'));
    expect(shown).toEqual({ mark: "towpath:json:0badcafe:", kind: "json", text: '{"at":"2026-01-05"}' });
    expect(stateBytes({ ...shown, text: '{"at":1}' })).toEqual(bytes('towpath:json:0badcafe:{"at":1}'));
    expect(() => stateBytes({ ...shown, text: '{"at":' })).toThrow();
  });

  it("is whatever text somebody else's source writes", () => {
    const shown = stateText(bytes("lsn 0/16B3748"));
    expect(shown).toEqual({ mark: "", kind: "text", text: "lsn 0/16B3748" });
    expect(stateBytes({ ...shown, text: "lsn 0/0" })).toEqual(bytes("lsn 0/0"));
    expect(() => stateBytes({ ...shown, text: " " })).toThrow("empty");
  });

  it("is base64 where it is no text, and comes back as the same bytes", () => {
    const raw = Uint8Array.from([...bytes("towpath:bytes:00000000:"), 0, 255, 10, 7]);
    const shown = stateText(raw);
    expect(shown).toEqual({ mark: "towpath:bytes:00000000:", kind: "base64", text: "AP8KBw==" });
    expect(stateBytes(shown)).toEqual(raw);
    expect(() => stateBytes({ ...shown, text: "no base64!" })).toThrow();
  });
});
