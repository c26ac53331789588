/** The list of keys. */
import { t } from "../text/en";
import { Modal } from "../ui/dialog";

export function KeysDialog({ close }: { close: () => void }) {
  return (
    <Modal title={t.keys.title} close={close}>
      <dl className="keys">
        {t.keys.list.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
