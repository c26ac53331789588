/** The frame around every page: navigation, theme, and the keys that work everywhere. */
import { lazy, Suspense, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import {
  Activity,
  ArrowLeftRight,
  Command,
  Database,
  Keyboard,
  Moon,
  LogOut,
  PackageOpen,
  Plug,
  ScrollText,
  Sun,
} from "lucide-react";
import { useMay } from "../api/me";
import { token } from "../api/token";
import { Token_Role } from "../gen/towpath/control/v1/tokens_pb";
import { t } from "../text/en";
import { KeysDialog } from "./keys-dialog";
import { useKeys } from "./keys";
import { toggleTheme, useTheme } from "./theme";

const Palette = lazy(() => import("./palette").then((module) => ({ default: module.Palette })));

const PLACES = [
  { to: "/connections", label: t.nav.connections, icon: ArrowLeftRight },
  { to: "/jobs", label: t.nav.jobs, icon: Activity },
  { to: "/sources", label: t.nav.sources, icon: Database },
  { to: "/destinations", label: t.nav.destinations, icon: PackageOpen },
  { to: "/connectors", label: t.nav.connectors, icon: Plug },
  { to: "/events", label: t.nav.events, icon: ScrollText, admin: true },
] as const;

export function Shell() {
  const theme = useTheme();
  const [open, setOpen] = useState<"palette" | "keys">();
  useKeys({ palette: () => setOpen("palette"), keys: () => setOpen("keys") });
  const mayAudit = useMay(Token_Role.ADMIN);
  const queries = useQueryClient();
  const signedIn = token.get() !== "";
  const themeLabel = theme === "dark" ? t.nav.toLight : t.nav.toDark;
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t.nav.skip}
      </a>
      <aside className="side">
        <Link to="/connections" className="brand">
          <img src="/icon.svg" alt="" width={24} height={24} />
          {t.product}
        </Link>
        <nav aria-label={t.nav.label}>
          <ul>
            {PLACES.filter((place) => mayAudit || !("admin" in place)).map(({ to, label, icon: Icon }) => (
              <li key={to}>
                <Link to={to} className="place" activeProps={{ className: "place here", "aria-current": "page" }}>
                  <Icon size={17} aria-hidden />
                  <span>{label}</span>
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div className="side-foot">
          <button type="button" className="ghost wide" onClick={() => setOpen("palette")}>
            <Command size={15} aria-hidden />
            <span>{t.nav.commands}</span>
            <kbd>Ctrl K</kbd>
          </button>
          <button
            type="button"
            className="ghost"
            aria-label={t.nav.keys}
            title={t.nav.keys}
            onClick={() => setOpen("keys")}
          >
            <Keyboard size={16} aria-hidden />
          </button>
          <button type="button" className="ghost" aria-label={themeLabel} title={themeLabel} onClick={toggleTheme}>
            {theme === "dark" ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />}
          </button>
          {signedIn && (
            <button
              type="button"
              className="ghost"
              aria-label={t.signIn.out}
              title={t.signIn.out}
              onClick={() => {
                token.set("");
                queries.clear();
                token.refuse();
              }}
            >
              <LogOut size={16} aria-hidden />
            </button>
          )}
        </div>
      </aside>
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
      {open === "palette" && (
        <Suspense fallback={null}>
          <Palette close={() => setOpen(undefined)} showKeys={() => setOpen("keys")} />
        </Suspense>
      )}
      {open === "keys" && <KeysDialog close={() => setOpen(undefined)} />}
    </div>
  );
}
