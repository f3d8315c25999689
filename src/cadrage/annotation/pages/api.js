/** Requests to the server: what they carry, and which answers are taken. */

/** An answer that was no success; `status` is 0 where no server of cadrage answered. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {boolean} [isElsewhere] whether another project than this page's is at its address now
   */
  constructor(status, message, isElsewhere = false) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.isElsewhere = isElsewhere;
  }
}

const PATIENCE = 20_000;
const TOKEN = "X-Cadrage-Token";
const PROJECT = "X-Cadrage-Project";

/** The project that this page is of; what browsers keep is kept under it, for one address may serve many. */
export const projectId = told(document, "project");

let token = told(document, "token");
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

function write(method, path, body) {
  return reach(path, {
    method,
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", [TOKEN]: token },
    keepalive: true,
  });
}

async function reach(path, options) {
  const headers = { ...options.headers, [PROJECT]: projectId };
  try {
    return await fetch(path, { ...options, headers, signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
}

/** What an answer holds; only this project's own server is believed, when it refuses as when it agrees. */
async function read(answer) {
  const content = await answer.json().catch(() => null);
  checkProject(answer.headers.get(PROJECT));
  if (answer.ok && content !== null) return content;
  if (typeof content?.detail === "string") throw new ApiError(answer.status, content.detail);
  throw new ApiError(0, `The server answered with an error (${answer.status}).`);
}

/** @param {string|null} served the project that an answer is of */
function checkProject(served) {
  if (!served) throw new ApiError(0, "Something else than cadrage answers at this address.");
  if (served !== projectId) throw new ApiError(409, "Another project is open at this address.", true);
}

/** Fetch the token anew; whether there is another one now. */
async function renewed() {
  const answer = await reach("/", { cache: "no-store" });
  if (!answer.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = told(page, "token");
  if (!fresh || fresh === token) return false;
  token = fresh;
  return true;
}

/** What the server wrote into a page's head. */
function told(page, what) {
  return page.querySelector(`meta[name="cadrage-${what}"]`)?.content ?? "";
}
