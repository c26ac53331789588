/** A text in which `backticks` mark what is typed or named exactly so. */
export function Prose({ text }: { text: string }) {
  return text.split(/`([^`]+)`/).map((part, index) =>
    // Parts of one text never change places.
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  );
}
