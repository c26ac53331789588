/** Asks for an API token when the server wants one. */
import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Code } from "@connectrpc/connect";
import { problemOf } from "../api/failures";
import { token } from "../api/token";
import { tokens } from "../api/transport";
import { t } from "../text/en";

export function SignIn() {
  const queries = useQueryClient();
  const [value, setValue] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const signIn = async () => {
    setBusy(true);
    setProblem("");
    token.set(value.trim());
    try {
      await tokens.whoAmI({});
      queries.clear();
      token.accept();
    } catch (thrown) {
      const { code, message } = problemOf(thrown);
      setProblem(code === Code.Unauthenticated ? t.signIn.wrong : message);
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <form
        className="card pad"
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <img src="/icon.svg" alt="" width={36} height={36} />
        <h1>{t.signIn.title}</h1>
        <p className="muted">{t.signIn.lead}</p>
        <label className="field">
          <span>{t.signIn.token}</span>
          <input
            type="password"
            autoComplete="off"
            required
            value={value}
            onChange={(event) => {
              setValue(event.target.value);
              setProblem("");
            }}
          />
        </label>
        {problem !== "" && (
          <p className="notice bad" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="button primary" disabled={busy}>
          {t.signIn.submit}
        </button>
      </form>
    </main>
  );
}
