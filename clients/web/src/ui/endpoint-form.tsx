/** The configuration of a source or destination: the form, its complaints, and what saves it. */
import { useMemo, useState } from "react";
import { problemOf } from "../api/failures";
import type { Connector } from "../gen/towpath/control/v1/connectors_pb";
import { fieldsOf } from "../forms/schema";
import { SchemaForm } from "../forms/schema-form";
import { validator } from "../forms/validate";
import { isObject, parseJson, writeJson, type JsonObject } from "../lib/json";
import { t } from "../text/en";
import { Editors } from "./allowed";
import { Notice } from "./feedback";

interface EndpointFormProps {
  readonly connector: Connector;
  readonly configJson: string;
  /** Stores it; what it throws is shown beside the fields that it names. */
  readonly save: (configJson: string) => Promise<void>;
  /** Wrong outside of the form; saving waits for it. */
  readonly blocked?: boolean;
  readonly onBlocked?: () => void;
  readonly children?: React.ReactNode;
}

const object = (text: string): JsonObject => {
  const value = parseJson(text);
  return isObject(value) ? value : {};
};

export function EndpointForm({ connector, configJson, save, blocked = false, onBlocked, children }: EndpointFormProps) {
  const schema = connector.spec?.configJsonSchema ?? "{}";
  const { fields, check } = useMemo(() => {
    const parsed = object(schema);
    return { fields: fieldsOf(parsed), check: validator(parsed) };
  }, [schema]);
  const [value, setValue] = useState(() => object(configJson));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const local = useMemo(() => check(value), [check, value]);
  const remote = useMemo(() => (error === null ? new Map<string, string>() : problemOf(error).fields), [error]);
  // While somebody fills the form, only what they have been at is complained about.
  const shown = new Map([...local].filter(([path]) => tried || touched.has(path.split(/[.[]/)[0] ?? "")));
  for (const [path, message] of remote) if (!shown.has(path)) shown.set(path, message);

  const submit = async () => {
    setTried(true);
    if (blocked) onBlocked?.();
    if (local.size > 0 || blocked) return;
    setBusy(true);
    setError(null);
    try {
      await save(writeJson(value));
      setTried(false);
      setTouched(new Set());
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className="card form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {children}
      <SchemaForm
        fields={fields}
        value={value}
        problems={shown}
        change={(next) => {
          const changed = Object.keys(next).filter((key) => next[key] !== value[key]);
          setTouched(new Set([...touched, ...changed]));
          setValue(next);
          setError(null);
        }}
      />
      <Notice error={error} />
      <div className="form-foot">
        <Editors>
          <button type="submit" className="button primary" disabled={busy}>
            {t.endpoint.saveAndCheck}
          </button>
        </Editors>
        {tried && local.size > 0 && (
          <span className="problem" role="status">
            {t.form.fix(local.size)}
          </span>
        )}
      </div>
    </form>
  );
}
