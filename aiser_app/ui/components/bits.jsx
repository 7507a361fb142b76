// Small things that must know the browser: clock and time zone, clipboard, colour mode.
import { useContext, useEffect, useRef, useState } from "react";
import { ColorModeContext } from "$/utils/context";

export function LocalTime({ iso, className }) {
  const [shown, setShown] = useState({ text: "", title: "" });
  useEffect(() => {
    const at = new Date(iso);
    if (Number.isNaN(at.getTime())) return;
    const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    const today = at.toDateString() === new Date().toDateString();
    const day = at.toLocaleDateString("en-GB", {
      day: "numeric", month: "short",
      year: at.getFullYear() === new Date().getFullYear() ? undefined : "numeric",
    });
    setShown({
      text: today ? time : `${day}, ${time}`,
      title: at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" }),
    });
  }, [iso]);
  return <time className={className} dateTime={iso} title={shown.title}>{shown.text}</time>;
}

function ageOf(iso) {
  const seconds = Math.max(0, (Date.now() - new Date(iso).getTime()) / 1000);
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return "under 1 min";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export function Age({ iso, suffix }) {
  const [text, setText] = useState("");
  useEffect(() => {
    const show = () => setText(ageOf(iso));
    show();
    const timer = window.setInterval(show, 30000);
    return () => window.clearInterval(timer);
  }, [iso]);
  return (
    <time dateTime={iso} title={iso ? new Date(iso).toLocaleString("en-GB") : ""}>
      {text ? text + (suffix || "") : ""}
    </time>
  );
}

function duration(ms) {
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

// Counts up from what the server says has passed, so the browser's clock does not matter.
export function Elapsed({ startedMsAgo, limitSeconds }) {
  const start = useRef(0);
  const [ms, setMs] = useState(startedMsAgo || 0);
  useEffect(() => {
    start.current = performance.now() - (startedMsAgo || 0);
    const timer = window.setInterval(() => setMs(performance.now() - start.current), 100);
    return () => window.clearInterval(timer);
  }, [startedMsAgo]);
  return (
    <span className="t-12 subtle num">
      {duration(ms)}
      {limitSeconds ? ` of ${limitSeconds} s` : ""}
    </span>
  );
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function CopyButton({ text, path, label, done, className, children }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  async function act() {
    if (!(await copy(path ? window.location.origin + path : text))) return;
    setCopied(true);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setCopied(false), 2000);
  }
  return (
    <button type="button" className={className} onClick={act}>
      {children}
      <span aria-live="polite">{copied ? done : label}</span>
    </button>
  );
}

const MODES = ["system", "light", "dark"];
const NAMES = { system: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
const PATHS = {
  system: ["M12 17v4", "M8 21h8", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z"],
  light: ["M12 2v2", "M12 20v2", "m4.93 4.93 1.41 1.41", "m17.66 17.66 1.41 1.41", "M2 12h2", "M20 12h2", "m6.34 17.66-1.41 1.41", "m19.07 4.93-1.41 1.41", "M12 8a4 4 0 1 0 0 8 4 4 0 1 0 0-8z"],
  dark: ["M20.985 12.486a9 9 0 1 1-9.473-9.472c.405-.022.617.46.402.803a6 6 0 0 0 8.268 8.268c.344-.215.825-.004.803.401"],
};

export function ThemeButton({ words }) {
  const { rawColorMode, setColorMode } = useContext(ColorModeContext);
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  const mode = ready && MODES.includes(rawColorMode) ? rawColorMode : "system";
  const next = MODES[(MODES.indexOf(mode) + 1) % MODES.length];
  const title = `${NAMES[mode]}. Next: ${next}`;
  if (words) {
    return (
      <button type="button" className="btn ghost sm foot-button" onClick={() => setColorMode(next)} title={title}>
        {NAMES[mode]}
      </button>
    );
  }
  return (
    <button type="button" className="btn ghost icon sm" aria-label={title} title={title} onClick={() => setColorMode(next)}>
      <svg className="i" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
        {PATHS[mode].map((d) => <path key={d} d={d} />)}
      </svg>
    </button>
  );
}

// Goes away by itself; stays while the pointer or the focus is on it.
export function UndoToast({ text, action, seconds, onAction, onGone }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = window.setTimeout(() => onGone?.(), seconds * 1000);
    return () => window.clearTimeout(timer);
  }, [held, seconds, text]);
  const hold = { onMouseEnter: () => setHeld(true), onMouseLeave: () => setHeld(false), onFocus: () => setHeld(true), onBlur: () => setHeld(false) };
  return (
    <div className="toast" role="status" {...hold}>
      <span className="grow trunc">{text}</span>
      <button type="button" className="btn sm" onClick={() => onAction?.()}>{action}</button>
      {held ? null : <i className="toast-time" style={{ animationDuration: `${seconds}s` }} />}
    </div>
  );
}
