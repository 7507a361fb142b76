// The rail: expanded, mini, or a sheet over the page on small screens.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";

const SETTING = "aiser-rail";
const useEarly = typeof window === "undefined" ? useEffect : useLayoutEffect;

export function toggleRail() {
  document.dispatchEvent(new CustomEvent("aiser:rail"));
}

export function RailToggle({ label, shortcut, className, children }) {
  return (
    <button type="button" className={className} aria-label={label} data-shortcut={shortcut} onClick={toggleRail}>
      {children}
    </button>
  );
}

export function Rail({ label, children }) {
  const aside = useRef(null);
  const opener = useRef(null);
  const [mini, setMini] = useState(false);
  const [sheet, setSheet] = useState(false);
  const { pathname } = useLocation();

  useEarly(() => setMini(window.localStorage.getItem(SETTING) === "mini"), []);
  useEffect(() => setSheet(false), [pathname]);

  useEffect(() => {
    function toggle() {
      if (window.matchMedia("(max-width: 720px)").matches) {
        opener.current = document.activeElement;
        setSheet((open) => !open);
        return;
      }
      setMini((was) => {
        window.localStorage.setItem(SETTING, was ? "full" : "mini");
        return !was;
      });
    }
    document.addEventListener("aiser:rail", toggle);
    return () => document.removeEventListener("aiser:rail", toggle);
  }, []);

  // A sheet is modal: what lies under it can be neither reached nor read.
  useEffect(() => {
    const main = document.getElementById("main");
    if (!sheet || !main) return undefined;
    main.inert = true;
    aside.current?.querySelector("a, button, input")?.focus();
    function escape(event) {
      if (event.key === "Escape") setSheet(false);
    }
    document.addEventListener("keydown", escape);
    return () => {
      main.inert = false;
      document.removeEventListener("keydown", escape);
      opener.current?.focus?.();
    };
  }, [sheet]);

  const name = "rail" + (mini ? " mini" : "") + (sheet ? " sheet" : "");
  return (
    <>
      {sheet ? <div className="scrim" onClick={() => setSheet(false)} /> : null}
      <aside ref={aside} className={name} aria-label={label}>
        {children}
      </aside>
    </>
  );
}

export function RenameField({ value, label, onSave, onCancel }) {
  const [text, setText] = useState(value);
  const field = useRef(null);
  const settled = useRef(false);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  function settle(save) {
    if (settled.current) return;
    settled.current = true;
    const title = text.trim();
    if (save && title && title !== value) onSave?.(title);
    else onCancel?.();
  }
  return (
    <form
      className="rename"
      onSubmit={(event) => {
        event.preventDefault();
        settle(true);
      }}
    >
      <input
        ref={field}
        className="input"
        aria-label={label}
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => settle(true)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.stopPropagation();
            settle(false);
          }
        }}
      />
    </form>
  );
}

export function SearchField({ label, placeholder, onSearch }) {
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={placeholder}
      maxLength={200}
      onChange={(event) => {
        const text = event.target.value;
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(() => onSearch?.(text), 200);
      }}
    />
  );
}

// Brings the latest turn to the top of the thread when it appears, or the one that the address names.
export function ThreadScroll({ latest }) {
  const shown = useRef("");
  const { hash } = useLocation();
  useEffect(() => {
    if (!latest || shown.current === latest) return;
    const first = !shown.current;
    shown.current = latest;
    const named = first && hash ? document.getElementById(hash.slice(1)) : null;
    const turn = named || document.getElementById(latest);
    const calm = first || window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    turn?.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }, [latest, hash]);
  return null;
}

export function GoTo({ to }) {
  const navigate = useNavigate();
  useEffect(() => {
    navigate(to, { replace: true });
  }, [to]);
  return null;
}
