/** A search field that `/` jumps to. */
import { Search } from "lucide-react";

interface SearchProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function SearchField({ label, value, onChange }: SearchProps) {
  return (
    <label className="search">
      <Search size={15} aria-hidden />
      <span className="hidden">{label}</span>
      <input
        type="search"
        placeholder={label}
        value={value}
        data-search
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}
