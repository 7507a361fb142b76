// A form that posts its fields as JSON to our REST interface and then opens another page anew,
// so that the page's socket is made with the new session cookie.
import { useRef, useState } from "react";
import { postJson } from "./api.js";

// Only paths of this site: "//host", "/\host" and schemes would lead away.
export function safePath(path, fallback) {
  if (typeof path !== "string" || !/^\/(?![\/\\])/.test(path)) return fallback;
  try {
    const url = new URL(path, window.location.origin);
    return url.origin === window.location.origin ? url.pathname + url.search + url.hash : fallback;
  } catch {
    return fallback;
  }
}

function fill(field) {
  if (!(field instanceof HTMLElement)) return;
  field.classList.add("bad");
  field.setAttribute("aria-invalid", "true");
}

export function RestForm({ action, next, busyText, submitText, onDone, children, omit }) {
  const form = useRef(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);

  async function submit(event) {
    event.preventDefault();
    if (busy) return;
    for (const field of form.current.elements) {
      field.classList?.remove("bad");
      field.removeAttribute?.("aria-invalid");
    }
    const empty = [...form.current.elements].find((f) => f.required && !f.value.trim());
    if (empty) {
      fill(empty);
      empty.focus();
      const name = form.current.querySelector(`label[for="${empty.id}"]`)?.textContent || "A field";
      setProblem({ message: `${name} is empty.`, hint: "Fill it in." });
      return;
    }
    setBusy(true);
    setProblem(null);
    const body = Object.fromEntries(new FormData(form.current).entries());
    for (const name of omit || []) delete body[name];
    try {
      await postJson(action, body);
      if (onDone) {
        onDone();
        setBusy(false);
        return;
      }
      const asked = new URLSearchParams(window.location.search).get("next");
      window.location.assign(safePath(asked, next));
    } catch (error) {
      setProblem({ message: error.message, hint: error.hint });
      setBusy(false);
    }
  }

  return (
    <form ref={form} className="stack-4" onSubmit={submit} noValidate aria-busy={busy}>
      {problem ? (
        <div className="note danger" role="alert" data-testid="form-problem">
          <svg className="i" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
            <circle cx="12" cy="12" r="10" />
            <path d="M12 8v4" />
            <path d="M12 16h.01" />
          </svg>
          <div className="grow">
            <div className="med">{problem.message}</div>
            {problem.hint ? <div className="t-12 muted">{problem.hint}</div> : null}
          </div>
        </div>
      ) : null}
      {children}
      <button className="btn primary lg block" type="submit" disabled={busy}>
        {busy ? busyText : submitText}
      </button>
    </form>
  );
}

export function PasswordField({ id, name, label, hint, autoComplete, minLength }) {
  const [shown, setShown] = useState(false);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="input lg affix">
        <input
          id={id}
          name={name}
          type={shown ? "text" : "password"}
          autoComplete={autoComplete}
          minLength={minLength || undefined}
          aria-describedby={hint ? `${id}-h` : undefined}
          required
        />
        <button
          className="btn ghost icon sm"
          type="button"
          aria-label={shown ? "Hide password" : "Show password"}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
          style={{ marginRight: -6 }}
        >
          <svg className="i i-14" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
            <path d="M2.062 12.348a1 1 0 0 1 0-.696 10.75 10.75 0 0 1 19.876 0 1 1 0 0 1 0 .696 10.75 10.75 0 0 1-19.876 0" />
            <circle cx="12" cy="12" r="3" />
            {shown ? <path d="m3 3 18 18" /> : null}
          </svg>
        </button>
      </div>
      {hint ? <span className="hint" id={`${id}-h`}>{hint}</span> : null}
    </div>
  );
}

export function TokenForm({ label, hint, submitText, problem, onSend }) {
  const [text, setText] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) onSend?.(text.trim());
      }}
    >
      <div className="field">
        <label htmlFor="setup-token">{label}</label>
        <div className="row">
          <input
            id="setup-token"
            className={problem ? "input lg mono token bad" : "input lg mono token"}
            value={text}
            onChange={(event) => setText(event.target.value)}
            aria-describedby="setup-token-h"
            aria-invalid={problem ? true : undefined}
            autoComplete="one-time-code"
            spellCheck={false}
            autoFocus
          />
          <button className="btn primary lg" type="submit">{submitText}</button>
        </div>
        <span className={problem ? "err" : "hint"} id="setup-token-h" role={problem ? "alert" : undefined}>
          {problem || hint}
        </span>
      </div>
    </form>
  );
}
