// Keyboard shortcuts: an element names its key in `data-shortcut`, and the key clicks it. With
// several such elements the last visible one is meant, which in a thread is the latest answer.
import { useEffect, useState } from "react";

const SETTING = "aiser-single-keys";

export function singleKeysOn() {
  return window.localStorage.getItem(SETTING) !== "off";
}

function typing(target) {
  return target?.closest?.("input, textarea, select, [contenteditable=true], .ag-root, [role=menu]");
}

function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.altKey ? `Alt+${key}` : key;
}

function find(name) {
  const found = [...document.querySelectorAll("[data-shortcut]")].filter(
    (e) => e.dataset.shortcut === name && e.getClientRects().length > 0 && !e.disabled,
  );
  return found[found.length - 1];
}

export function Shortcuts() {
  useEffect(() => {
    function press(event) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
      if (document.querySelector("dialog[open]")) return;
      const name = nameOf(event);
      const single = event.key.length === 1 && !event.altKey;
      if (single && (typing(event.target) || !singleKeysOn())) return;
      const element = find(name);
      if (!element) return;
      event.preventDefault();
      element.click();
    }
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return null;
}

export function SingleKeysSwitch({ label }) {
  const [on, setOn] = useState(true);
  useEffect(() => setOn(singleKeysOn()), []);
  return (
    <label className="row t-12 muted" style={{ cursor: "pointer" }}>
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => {
          window.localStorage.setItem(SETTING, event.target.checked ? "on" : "off");
          setOn(event.target.checked);
        }}
      />
      {label}
    </label>
  );
}

// A hash alone would be taken by the router, which moves no focus.
export function SkipLink({ target, children }) {
  function act(event) {
    event.preventDefault();
    document.getElementById(target)?.focus();
  }
  return (
    <a className="skip" href={`#${target}`} onClick={act}>
      {children}
    </a>
  );
}

export function Dialog({ id, label, children, width }) {
  return (
    <dialog
      id={id}
      className="dialog"
      aria-label={label}
      style={{ width }}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      {children}
    </dialog>
  );
}

export function DialogButton({ opens, closes, label, shortcut, className, children }) {
  function act() {
    const dialog = document.getElementById(opens || closes);
    if (opens && dialog && !dialog.open) dialog.showModal();
    if (closes) dialog?.close();
  }
  return (
    <button type="button" className={className} aria-label={label} data-shortcut={shortcut} onClick={act}>
      {children}
    </button>
  );
}
