// Says what is down, as long as it is. Asks /readyz while the socket is lost or an action failed,
// and now and then otherwise.
import { useContext, useEffect, useState } from "react";
import { EventLoopContext } from "$/utils/context";

const NAMES = { database: "Postgres", migrations: "The database schema", redis: "Redis", chroma: "The memory store", worker: "No worker" };
const ENDS = { migrations: "is not up to date", worker: "answers questions at the moment" };

function sentence(check) {
  return `${NAMES[check.name] || check.name} ${ENDS[check.name] || "does not answer"}.`;
}

// More than the server needs to find out that a store does not answer.
const PATIENCE_MS = 8000;

async function look() {
  let response;
  try {
    response = await fetch("/readyz", {
      cache: "no-store",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    return [{ text: "Aiser does not answer.", hint: "Trying again by itself. What you asked is kept." }];
  }
  const body = await response.json().catch(() => null);
  const failed = (body?.checks || []).filter((check) => check.ok === false);
  const blind = failed.some((check) => check.name === "database");
  return failed
    .filter((check) => !(blind && check.name === "migrations"))
    .map((check) => ({ text: sentence(check), hint: check.hint || "" }));
}

export function Banner({ suspect }) {
  const [, connectErrors] = useContext(EventLoopContext);
  const [down, setDown] = useState([]);
  const lost = connectErrors.length > 0;
  const alert = lost || suspect || down.length > 0;

  useEffect(() => {
    let alive = true;
    let timer = 0;
    async function round() {
      if (document.visibilityState === "visible") {
        const found = await look();
        if (!alive) return;
        setDown(found);
      }
      timer = window.setTimeout(round, alert ? 2000 : 20000);
    }
    timer = window.setTimeout(round, alert ? 0 : 20000);
    return () => {
      alive = false;
      window.clearTimeout(timer);
    };
  }, [alert]);

  const shown = down.length
    ? down
    : connectErrors.length > 1
      ? [{ text: "The connection to Aiser is lost.", hint: "Connecting again by itself." }]
      : [];
  return (
    <div role="status" aria-live="polite" data-testid="banner">
      {shown.length ? (
        <div className="banner">
          <svg className="i" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
            <path d="m21.73 18-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3" />
            <path d="M12 9v4" />
            <path d="M12 17h.01" />
          </svg>
          <span>
            {shown.map((item) => (
              <span key={item.text}>
                <b className="med">{item.text}</b> {item.hint}{" "}
              </span>
            ))}
          </span>
        </div>
      ) : null}
    </div>
  );
}

// The state of Aiser's own stores, for the set-up page.
export function StoreStates({ rows }) {
  const [checks, setChecks] = useState(null);
  useEffect(() => {
    let alive = true;
    const load = () =>
      fetch("/readyz", { cache: "no-store" })
        .then((r) => r.json())
        .then((body) => alive && setChecks(body.checks || []))
        .catch(() => alive && setChecks([]));
    load();
    const timer = window.setInterval(load, 5000);
    return () => {
      alive = false;
      window.clearInterval(timer);
    };
  }, []);
  const state = (name) => {
    const found = checks?.find((check) => check.name === name);
    if (!found) return ["", checks === null ? "looking" : "unknown"];
    return found.ok ? ["success", "ready"] : ["danger", "does not answer"];
  };
  return (
    <dl className="facts" style={{ gridTemplateColumns: "1fr auto" }}>
      {rows.map(([name, title]) => {
        const [tone, word] = state(name);
        return [
          <dt key={name}>{title}</dt>,
          <dd key={`${name}-s`} className="row row-1" style={{ justifyContent: "flex-end" }}>
            <span className={`dot ${tone}`} />
            {word}
          </dd>,
        ];
      })}
    </dl>
  );
}
