// The question box. Keeps what is typed in the browser; one event leaves it, when it is sent.
import { useEffect, useId, useRef, useState } from "react";

export function Composer({ placeholder, label, limit, problem, refusals, onSend, autoFocus, children }) {
  const box = useRef(null);
  const sent = useRef("");
  const [text, setText] = useState("");
  const id = useId();
  const tooLong = text.length > limit;

  useEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 200)}px`;
  }, [text]);

  // What the server refused comes back into the empty box: nothing that was typed is lost.
  useEffect(() => {
    if (problem && sent.current) {
      setText((current) => current || sent.current);
      sent.current = "";
    }
  }, [problem, refusals]);

  useEffect(() => {
    const wide = window.matchMedia("(min-width: 721px)").matches;
    if (autoFocus && wide) box.current?.focus({ preventScroll: true });
  }, [autoFocus]);

  function send(event) {
    event?.preventDefault();
    const question = text.trim();
    if (!question || tooLong) {
      box.current?.focus();
      return;
    }
    sent.current = text;
    onSend?.(question);
    setText("");
  }

  function press(event) {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    if (event.shiftKey || event.altKey) return;
    send(event);
  }

  const said = tooLong
    ? `The question is ${text.length.toLocaleString("en-US")} characters long. At most ${limit.toLocaleString("en-US")} are read.`
    : problem;
  return (
    <form onSubmit={send}>
      <div className="composer">
        <label className="sr" htmlFor={id}>{label}</label>
        <textarea
          id={id}
          ref={box}
          rows={1}
          name="question"
          placeholder={placeholder}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={press}
          aria-invalid={tooLong || undefined}
          aria-describedby={said ? `${id}-e` : undefined}
          autoComplete="off"
          data-testid="question"
        />
        <div className="bar">
          {children}
          <span className="end" />
          <span className="only-d" style={{ marginRight: 4 }} aria-hidden="true">
            <span className="kbd">Ctrl Enter</span>
          </span>
          <button className="btn primary icon sm" type="submit" aria-label="Ask" disabled={tooLong}>
            <svg className="i i-14" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
              <path d="m5 12 7-7 7 7" />
              <path d="M12 19V5" />
            </svg>
          </button>
        </div>
      </div>
      <p id={`${id}-e`} className="composer-problem" role="alert">{said}</p>
    </form>
  );
}
