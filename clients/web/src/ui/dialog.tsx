/** Dialogs: what they hold, and questions before what cannot be undone. */
import { useState, type ReactNode } from "react";
import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { t } from "../text/en";
import { Notice } from "./feedback";

interface ModalProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
}

/** A dialog that is open as long as it is rendered. */
export function Modal({ title, close, children, wide = false }: ModalProps) {
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className={wide ? "dialog wide" : "dialog"}>
          <header className="dialog-head">
            <Dialog.Title>{title}</Dialog.Title>
            <Dialog.Close className="ghost" aria-label={t.actions.close}>
              <X size={16} aria-hidden />
            </Dialog.Close>
          </header>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface QuestionProps {
  readonly title: string;
  readonly body: string;
  readonly yes: string;
  /** What must be typed before `yes` works; for what loses data. */
  readonly guard?: string;
  /** Whether what is asked for in `children` is complete. */
  readonly ready?: boolean;
  readonly children?: ReactNode;
  readonly wide?: boolean;
  readonly act: () => Promise<unknown>;
  readonly close: () => void;
}

/** Asks before acting; closes when it is done, and shows why when it is not. */
export function Question({ title, body, yes, guard, ready = true, children, wide = false, act, close }: QuestionProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [typed, setTyped] = useState("");
  const confirm = async () => {
    setBusy(true);
    try {
      await act();
      close();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <Modal title={title} close={close} wide={wide}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <p className="dialog-body">{body}</p>
        {children}
        {guard !== undefined && (
          <label className="field">
            <span>{t.connection.typeToConfirm(guard)}</span>
            <input
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
        )}
        <Notice error={error} />
        <div className="dialog-foot">
          <button type="button" className="button" onClick={close}>
            {t.actions.keep}
          </button>
          <button
            type="submit"
            className="button danger"
            disabled={busy || !ready || (guard !== undefined && typed !== guard)}
          >
            {yes}
          </button>
        </div>
      </form>
    </Modal>
  );
}
