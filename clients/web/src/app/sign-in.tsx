/** Asks for an API token when the server wants one. */
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Code } from "@connectrpc/connect";
import { problemOf } from "../api/failures";
import { whoAmI } from "../api/me";
import { token } from "../api/token";
import { t } from "../text/en";

/** Whether the server refuses us without a (better) token. */
export function useRefused(): boolean {
  const probe = useQuery(whoAmI);
  return probe.error !== null && problemOf(probe.error).code === Code.Unauthenticated;
}

export function SignIn() {
  const probe = useQuery(whoAmI);
  const [value, setValue] = useState("");
  const [tried, setTried] = useState(false);
  return (
    <main className="sign-in">
      <form
        className="card pad"
        onSubmit={(event) => {
          event.preventDefault();
          token.set(value.trim());
          void probe.refetch().then(() => setTried(true));
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
              setTried(false);
            }}
          />
        </label>
        {tried && (
          <p className="notice bad" role="alert">
            {t.signIn.wrong}
          </p>
        )}
        <button type="submit" className="button primary" disabled={probe.isFetching}>
          {t.signIn.submit}
        </button>
      </form>
    </main>
  );
}
