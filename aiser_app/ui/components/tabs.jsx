// Tabs by the ARIA pattern: one panel at a time, arrow keys move, only the chosen tab is in the
// tab order. The panel of `labels[i]` is the child number `panels[i]`; only that one is mounted.
import { Children, useId, useRef, useState } from "react";

export function Tabs({ labels, panels, counts, label, children }) {
  const all = Children.toArray(children);
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const row = useRef(null);
  const panel = useRef(null);
  // The card keeps the height of the tallest panel shown so far, so that nothing below it jumps.
  const [tallest, setTallest] = useState(0);
  const current = Math.min(chosen, labels.length - 1);

  function choose(index) {
    setTallest(Math.max(tallest, panel.current?.offsetHeight || 0));
    setChosen(index);
  }

  function move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const edge = { Home: 0, End: labels.length - 1 }[event.key];
    if (step === undefined && edge === undefined) return;
    event.preventDefault();
    const next = edge ?? (current + step + labels.length) % labels.length;
    choose(next);
    row.current?.children[next]?.focus();
  }

  return (
    <>
      <div className="row between tabs-row">
        <div ref={row} className="tabs mtabs" role="tablist" aria-label={label} onKeyDown={move}>
          {labels.map((text, index) => (
            <button
              key={text}
              type="button"
              role="tab"
              id={`${id}-t${index}`}
              className={index === current ? "tab on" : "tab"}
              aria-selected={index === current}
              aria-controls={`${id}-p`}
              tabIndex={index === current ? 0 : -1}
              data-shortcut={`Alt+${index + 1}`}
              onClick={() => choose(index)}
            >
              {text}
              {counts?.[index] ? <span className="n">{counts[index]}</span> : null}
            </button>
          ))}
        </div>
      </div>
      <div
        ref={panel}
        role="tabpanel"
        id={`${id}-p`}
        aria-labelledby={`${id}-t${current}`}
        className="tab-panel"
        style={tallest ? { minHeight: tallest } : undefined}
      >
        {all[panels[current]]}
      </div>
    </>
  );
}
