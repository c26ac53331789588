/** A form that follows a JSON Schema: required fields first, the rest folded, each complaint beside its field. */
import { useId, useState, type ReactNode } from "react";
import { Plus, X } from "lucide-react";
import { isObject, parseJson, writeJson, type Json, type JsonObject } from "../lib/json";
import { t } from "../text/en";
import { Prose } from "../ui/prose";
import { MASK, type Field, type Variant } from "./schema";

/** So many fields of a schema, in its order, are shown without unfolding. */
const UNFOLDED = 8;

interface FormProps {
  readonly fields: readonly Field[];
  readonly value: JsonObject;
  readonly change: (value: JsonObject) => void;
  /** By path, such as `tunnel.hosts[0]`. */
  readonly problems: ReadonlyMap<string, string>;
  readonly path?: string;
}

export function SchemaForm({ fields, value, change, problems, path = "" }: FormProps) {
  const draw = (field: Field) => (
    <FieldView
      key={field.key}
      field={field}
      path={path === "" ? field.key : `${path}.${field.key}`}
      value={value[field.key] ?? undefined}
      change={(next) => change({ ...value, [field.key]: next })}
      problems={problems}
    />
  );
  // Authors put first what matters most; what must be given, or is a choice of shape, is never folded away.
  const first = fields.filter(({ required, kind }, index) => index < UNFOLDED || required || kind === "variants");
  const rest = fields.filter((field) => !first.includes(field));
  const troubled = rest.some(({ key }) => [...problems.keys()].some((at) => at === key || at.startsWith(`${key}.`)));
  // Few fields need no fold.
  if (path !== "" || rest.length <= 3) return <>{fields.map(draw)}</>;
  return (
    <>
      {first.map(draw)}
      <details className="fold" open={troubled || undefined}>
        <summary>
          {t.form.optional} <span className="muted">{rest.length}</span>
        </summary>
        <div className="fold-body">{rest.map(draw)}</div>
      </details>
    </>
  );
}

interface FieldProps {
  readonly field: Field;
  readonly path: string;
  readonly value: Json | undefined;
  readonly change: (value: Json | undefined) => void;
  readonly problems: ReadonlyMap<string, string>;
}

function FieldView(props: FieldProps) {
  const { field, path, value, change, problems } = props;
  switch (field.kind) {
    case "object":
      return (
        <fieldset className="group">
          <legend>{field.title}</legend>
          {field.help !== "" && (
            <p className="help">
              <Prose text={field.help} />
            </p>
          )}
          <SchemaForm
            fields={field.fields}
            path={path}
            value={isObject(value) ? value : {}}
            change={change}
            problems={problems}
          />
        </fieldset>
      );
    case "variants":
      return <Variants {...props} />;
    case "boolean": {
      const on = typeof value === "boolean" ? value : field.default === true;
      return (
        <Labelled {...props} inline>
          {(attributes) => (
            <input type="checkbox" {...attributes} checked={on} onChange={(event) => change(event.target.checked)} />
          )}
        </Labelled>
      );
    }
    case "choice":
      return (
        <Labelled {...props}>
          {(attributes) => (
            <select
              {...attributes}
              value={scalar(value ?? field.default)}
              onChange={(event) => change(event.target.value || undefined)}
            >
              {(field.default === undefined || field.default === null) && <option value="">{t.form.none}</option>}
              {field.choices.map((choice) => (
                <option key={choice}>{choice}</option>
              ))}
            </select>
          )}
        </Labelled>
      );
    case "number":
    case "integer":
      return (
        <Labelled {...props}>
          {(attributes) => (
            <input
              {...attributes}
              inputMode={field.kind === "integer" ? "numeric" : "decimal"}
              value={scalar(value)}
              placeholder={scalar(field.default)}
              autoComplete="off"
              onChange={(event) => change(numeric(event.target.value))}
            />
          )}
        </Labelled>
      );
    case "secret":
      return <Labelled {...props}>{(attributes) => <Secret {...props} attributes={attributes} />}</Labelled>;
    case "list":
      return <List {...props} />;
    case "json":
      return (
        <Labelled {...props}>
          {(attributes) => <JsonText value={value} change={change} attributes={attributes} />}
        </Labelled>
      );
    default:
      return (
        <Labelled {...props}>
          {(attributes) => {
            const shared = {
              ...attributes,
              value: scalar(value),
              placeholder: scalar(field.default),
              spellCheck: false,
              autoComplete: "off",
              onChange: (event: { target: { value: string } }) => change(event.target.value || undefined),
            };
            return field.kind === "long-text" ? <textarea rows={4} {...shared} /> : <input {...shared} />;
          }}
        </Labelled>
      );
  }
}

const scalar = (value: Json | undefined): string =>
  value === undefined || value === null || typeof value === "object" ? "" : String(value);

/** A number if it is one, else the text itself, which validation then complains about. */
function numeric(text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (/^-?\d+$/.test(trimmed) && !Number.isSafeInteger(Number(trimmed))) return BigInt(trimmed);
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

interface Attributes {
  readonly id: string;
  readonly "aria-describedby": string;
  readonly "aria-invalid": boolean;
  readonly "aria-required": boolean | undefined;
}

interface LabelledProps extends FieldProps {
  readonly inline?: boolean;
  readonly children: (attributes: Attributes) => ReactNode;
}

/** Label, control, help and complaint, tied together. */
function Labelled({ field, path, problems, inline = false, children }: LabelledProps) {
  const id = useId();
  const problem = problems.get(path);
  const control = children({
    id,
    "aria-describedby": `${id}-help`,
    "aria-invalid": problem !== undefined,
    "aria-required": inline ? undefined : field.required,
  });
  return (
    <div className={inline ? "field inline" : "field"}>
      {inline && control}
      <label htmlFor={id}>
        {field.title}
        {field.required && <span className="required"> {t.form.required}</span>}
      </label>
      {!inline && control}
      <div id={`${id}-help`}>
        {problem !== undefined && <p className="problem">{problem}</p>}
        {field.help !== "" && (
          <p className="help">
            <Prose text={field.help} />
          </p>
        )}
      </div>
    </div>
  );
}

function Secret({ field, value, change, attributes }: FieldProps & { attributes: Attributes }) {
  const [seen, setSeen] = useState(false);
  const stored = value === MASK;
  const shared = {
    ...attributes,
    value: stored ? "" : scalar(value),
    placeholder: stored ? t.form.secretSet : "",
    autoComplete: "new-password",
    spellCheck: false,
    onChange: (event: { target: { value: string } }) => change(event.target.value || undefined),
  };
  const long = /\bPEM\b/.test(field.help);
  return (
    <span className="secret">
      {long ? <textarea rows={4} {...shared} /> : <input type={seen ? "text" : "password"} {...shared} />}
      {!stored && !long && (
        <button
          type="button"
          className="button small"
          aria-label={`${seen ? t.form.hide : t.form.show} ${field.title}`}
          onClick={() => setSeen(!seen)}
        >
          {seen ? t.form.hide : t.form.show}
        </button>
      )}
    </span>
  );
}

function List({ field, path, value, change, problems }: FieldProps) {
  const items = Array.isArray(value) ? value : [];
  const at = (index: number, next: string | undefined) =>
    change(
      next === undefined
        ? items.filter((_, each) => each !== index)
        : items.map((item, each) => (each === index ? next : item)),
    );
  return (
    <fieldset className="field">
      <legend>{field.title}</legend>
      {items.map((item, index) => (
        // Items have no identity of their own; they are few and edited in place.
        <span key={index} className="secret">
          <input
            aria-label={t.form.item(field.title, index)}
            aria-invalid={problems.has(`${path}[${index}]`)}
            value={scalar(item)}
            onChange={(event) => at(index, event.target.value)}
          />
          <button
            type="button"
            className="ghost"
            aria-label={`${t.actions.removeItem} ${t.form.item(field.title, index)}`}
            onClick={() => at(index, undefined)}
          >
            <X size={15} aria-hidden />
          </button>
        </span>
      ))}
      <button type="button" className="button small" onClick={() => change([...items, ""])}>
        <Plus size={14} aria-hidden />
        {t.actions.add}
      </button>
      {field.help !== "" && (
        <p className="help">
          <Prose text={field.help} />
        </p>
      )}
    </fieldset>
  );
}

function Variants({ field, path, value, change, problems }: FieldProps) {
  const current = isObject(value) ? value : isObject(field.default) ? field.default : {};
  const chosen = field.variants.find(({ tag, value: mark }) => current[tag] === mark) ?? field.variants[0];
  const choose = ({ tag, value: mark }: Variant) => change(tag === "" ? {} : { [tag]: mark });
  const group = useId();
  return (
    <fieldset className="group">
      <legend>{field.title}</legend>
      {field.help !== "" && (
        <p className="help">
          <Prose text={field.help} />
        </p>
      )}
      <div className="cards">
        {field.variants.map((each, index) => (
          <label key={each.value || each.title} className="choice">
            <input type="radio" name={group} checked={each === chosen} onChange={() => choose(each)} />
            <span>
              <strong>{each.title || t.form.option(index)}</strong>
              <span className="small muted">{each.help}</span>
            </span>
          </label>
        ))}
      </div>
      {chosen !== undefined && (
        <SchemaForm fields={chosen.fields} path={path} value={current} change={change} problems={problems} />
      )}
    </fieldset>
  );
}

function JsonText({
  value,
  change,
  attributes,
}: {
  value: Json | undefined;
  change: (value: Json | undefined) => void;
  attributes: Attributes;
}) {
  const [text, setText] = useState(value === undefined ? "" : writeJson(value));
  const [bad, setBad] = useState(false);
  return (
    <>
      <textarea
        {...attributes}
        className="mono"
        rows={2}
        spellCheck={false}
        value={text}
        aria-invalid={bad || attributes["aria-invalid"]}
        onChange={(event) => {
          setText(event.target.value);
          try {
            change(event.target.value.trim() === "" ? undefined : parseJson(event.target.value));
            setBad(false);
          } catch {
            setBad(true);
          }
        }}
      />
      {bad && <p className="problem">{t.form.badJson}</p>}
    </>
  );
}
