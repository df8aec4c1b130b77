/** The service's HTTP interface, as `docs/studio.md` describes it. */

/** An `application/problem+json` answer: what is wrong and what to do. */
export class Problem extends Error {
  constructor({ detail, remedy, status = 0, type = "", errors = [] }) {
    super(detail);
    Object.assign(this, { detail, remedy, status, type, errors });
  }
}

/** The service does not answer at all. */
export class Unreachable extends Error {}

export class Api {
  model() {
    return this.#json("GET", "/api/model");
  }

  songs(limit = 50) {
    return this.#json("GET", `/api/songs?limit=${limit}`);
  }

  createSong(members = {}) {
    return this.#json("POST", "/api/songs", members);
  }

  song(id) {
    return this.#json("GET", `/api/songs/${id}`);
  }

  patchSong(id, changes) {
    return this.#json("PATCH", `/api/songs/${id}`, changes);
  }

  /** @param {"undo"|"redo"} direction */
  step(id, direction) {
    return this.#json("POST", `/api/songs/${id}/${direction}`);
  }

  revisions(id) {
    return this.#json("GET", `/api/songs/${id}/revisions`);
  }

  revision(id) {
    return this.#json("GET", `/api/revisions/${id}.json`);
  }

  report(revision) {
    return this.#json("GET", `/api/revisions/${revision}/report`);
  }

  difference(revision, from) {
    return this.#json("GET", `/api/revisions/${revision}/difference?from=${from}`);
  }

  jobs(song) {
    return this.#json("GET", `/api/jobs?song=${song}`);
  }

  job(id) {
    return this.#json("GET", `/api/jobs/${id}`);
  }

  /** Asks for a job; asking again with the same key gives the same job. */
  createJob(request) {
    return this.#json("POST", "/api/jobs", request, { "Idempotency-Key": crypto.randomUUID() });
  }

  cancelJob(id) {
    return this.#json("DELETE", `/api/jobs/${id}`);
  }

  repeatJob(id) {
    return this.#json("POST", `/api/jobs/${id}/again`);
  }

  /** @param {File} file - a MIDI file. */
  async upload(file) {
    const headers = { "Content-Type": file.type || "application/octet-stream" };
    const response = await this.#fetch(`/api/uploads?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, headers });
    return response.json();
  }

  /** Where an export lies. @param {string} kind - such as `mid`. */
  fileAddress(revision, kind) {
    return `/api/revisions/${revision}.${kind}`;
  }

  async file(revision, kind) {
    return (await this.#fetch(this.fileAddress(revision, kind))).blob();
  }

  /** One track's sound as a file's bytes, all of it or some bars (from 1, both ends in). */
  async stem(revision, track, bars = null) {
    const range = bars ? `?first_bar=${bars.first}&last_bar=${bars.last}` : "";
    return (await this.#fetch(`/api/revisions/${revision}/stems/${track}.wav${range}`)).arrayBuffer();
  }

  async #json(method, address, body, headers = {}) {
    const request = { method, headers: { Accept: "application/json", ...headers } };
    if (body !== undefined) {
      request.body = JSON.stringify(body);
      request.headers["Content-Type"] = "application/json";
    }
    return (await this.#fetch(address, request)).json();
  }

  async #fetch(address, request = {}) {
    const response = await fetch(address, request).catch((error) => {
      throw new Unreachable(error.message);
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

async function problemOf(response) {
  const isProblem = response.headers.get("Content-Type")?.includes("json");
  const body = isProblem ? await response.json() : {};
  const unknown = { detail: `the service answered ${response.status}`, remedy: "try again" };
  return new Problem({ ...unknown, ...body, status: response.status });
}
