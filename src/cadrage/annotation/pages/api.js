/** Requests to the server, and what tells one project from another. */

/** An answer that was no success; `status` is 0 where there was no answer at all. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

const PATIENCE = 20_000;
const HEADER = "X-Cadrage-Token";

let token = tokenOf(document);
let known = null;

/**
 * @param {string} path
 * @returns {Promise<any>} what the server answered
 * @throws {ApiError}
 */
export async function get(path) {
  return read(await reach(path, { cache: "no-store" }));
}

/**
 * Write something; the request outlives the page if the page is left before the answer.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>} what the server answered
 * @throws {ApiError}
 */
export async function send(method, path, body) {
  const answer = await write(method, path, body);
  // A server that was started anew has a new token: this page may learn it, as a reload would.
  if ((answer.status === 401 || answer.status === 403) && (await renewed())) {
    return read(await write(method, path, body));
  }
  return read(answer);
}

/**
 * The project, asked for once.
 *
 * @returns {Promise<{kind: string, title: string, settings: object, grades: string[]}>}
 */
export async function project() {
  known ??= await get("/api/project");
  return known;
}

/** What this browser keeps things under: two projects served at one address must not mix. */
export async function projectKey() {
  return keyOf(await project());
}

function keyOf({ kind, title, created }) {
  return `${kind}:${created ?? ""}:${title}`;
}

function write(method, path, body) {
  return reach(path, {
    method,
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", [HEADER]: token },
    keepalive: true,
  });
}

async function reach(path, options) {
  try {
    return await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
}

async function read(answer) {
  const content = await answer.json().catch(() => null);
  if (answer.ok && content !== null) return content;
  const detail = typeof content?.detail === "string" ? content.detail : null;
  throw new ApiError(answer.status, detail ?? `The server answered with an error (${answer.status}).`);
}

/** Fetch the token anew; whether there is another one now, of the same project. */
async function renewed() {
  const page = await reach("/", { cache: "no-store" });
  if (!page.ok) return false;
  const fresh = tokenOf(new DOMParser().parseFromString(await page.text(), "text/html"));
  if (!fresh || fresh === token) return false;
  if (known && keyOf(await get("/api/project")) !== keyOf(known)) {
    throw new ApiError(403, "Another project is served at this address now.");
  }
  token = fresh;
  return true;
}

function tokenOf(page) {
  return page.querySelector('meta[name="cadrage-token"]')?.content ?? "";
}
