// The one way in which local components talk to Aiser's REST interface.

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.message || "Aiser did not answer as expected.");
    this.status = status;
    this.code = body?.code || "";
    this.hint = body?.hint || "";
  }
}

async function read(response) {
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  throw new ApiError(response.status, body?.error);
}

async function send(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error?.name === "AbortError") throw error;
    throw new ApiError(0, {
      code: "unreachable",
      message: "Aiser does not answer.",
      hint: "Check that the server runs, then try again.",
    });
  }
  return read(response);
}

export function getJson(url, signal) {
  return send(url, { signal, headers: { Accept: "application/json" } });
}

export function postJson(url, body) {
  return send(url, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export function signInAgain() {
  const here = window.location.pathname + window.location.search;
  window.location.assign("/sign-in?next=" + encodeURIComponent(here));
}
