/**
 * Registration of many students from photos named by student id. Each photo is one request with its own idempotency
 * key. Before a photo is sent, and before it is sent again after a failure, the roster decides whether it still has to
 * be: nothing is sent twice, and a run that is started again continues where the last one ended.
 */

import { get } from "./api.js";
import { draw } from "./draw.js";
import { me } from "./me.js";
import { sendPhoto } from "./outbox.js";
import { jpeg, preparePhoto } from "./photo.js";
import { Problem, Unreachable } from "./problem.js";
import { randomId } from "./random.js";

/** Photos on their way at once: one is prepared and sent while the server reads the other. */
const AT_ONCE = 2;
/** Milliseconds before a failed photo is sent again: the first and the longest pause. */
const FIRST_PAUSE = 2_000;
const MAX_PAUSE = 60_000;
/** Pixels of a thumbnail's longer side. */
const THUMBNAIL = 144;
/** Photos by their names' endings, as `muster students register` takes them. */
const PHOTO = /\.(jpe?g|png|webp|hei[cf])$/i;
/** Statuses that every further photo would get too: signed out, no longer an admin, disk full. */
const STOPPING = [401, 403, 507];

/**
 * @typedef {object} Entry
 * @property {string} id also the idempotency key.
 * @property {File} file
 * @property {string} studentId from the file's name.
 * @property {any} student from the roster; null if nobody has the id.
 * @property {"waiting" | "sending" | "registered" | "skipped" | "refused"} state
 * @property {{code: string, detail: string} | null} problem why it was refused.
 * @property {{code: string, detail: string}[]} warnings
 * @property {string | null} thumbnail object URL.
 * @property {string} [uploadId] of an upload whose result was not read yet.
 * @property {boolean} [allowLookalike]
 */

/** @param {string} name @returns {string | null} the student id in a file's name; null if it is no photo. */
export function studentIdOf(name) {
  return PHOTO.test(name) && !name.startsWith(".") ? name.replace(/\.[^.]*$/, "") : null;
}

/**
 * @param {File[]} files in any order; those that are no photos are left out.
 * @param {Map<string, any>} students of the roster by id.
 * @returns {Entry[]} ordered by name.
 */
export function entriesOf(files, students) {
  const entries = [];
  for (const file of [...files].sort((one, other) => one.name.localeCompare(other.name))) {
    const studentId = studentIdOf(file.name);
    if (studentId === null) continue;
    const student = students.get(studentId) ?? null;
    /** @type {Entry} */
    const entry = {
      id: randomId(),
      file,
      studentId,
      student,
      state: "waiting",
      problem: null,
      warnings: [],
      thumbnail: null,
    };
    if (student === null) refuse(entry, "student_not_found");
    else if (student.state === "withdrawn") refuse(entry, "consent_withdrawn");
    else if (student.state === "registered") entry.state = "skipped";
    entries.push(entry);
  }
  return entries;
}

function refuse(entry, code, detail = "") {
  entry.state = "refused";
  entry.problem = { code, detail };
}

/** One run over many photos. */
export class BulkRun {
  /** @type {Entry[]} */
  entries;
  /** @type {"running" | "offline" | "stopped" | "done"} */
  state = "running";
  /** @type {unknown} why it stopped. */
  problem = null;
  #pause = FIRST_PAUSE;
  #cancelled = false;
  /** Ends the pauses of photos that failed. @type {Set<() => void>} */
  #pauses = new Set();

  /** @param {Entry[]} entries */
  constructor(entries) {
    this.entries = entries;
  }

  /** @returns {number} photos with a result. */
  get done() {
    return this.entries.filter(({ state }) => state !== "waiting" && state !== "sending").length;
  }

  /** Send what waits, until all photos have a result or the run stops. */
  async start() {
    this.state = "running";
    this.problem = null;
    this.#cancelled = false;
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work()));
    if (!this.#cancelled) this.state = "done";
    draw();
  }

  /** Stop after the photos on their way; `start` continues. */
  stop() {
    this.#cancelled = true;
    this.state = "stopped";
    for (const wake of this.#pauses) wake();
    draw();
  }

  /** Free the pictures. */
  release() {
    this.stop();
    for (const { thumbnail } of this.entries) if (thumbnail) URL.revokeObjectURL(thumbnail);
  }

  /** Send a photo again that was refused because it resembles another student. @param {Entry} entry */
  async sendAnyway(entry) {
    Object.assign(entry, { id: randomId(), state: "waiting", problem: null, allowLookalike: true });
    await this.start();
  }

  #next() {
    const busy = new Set(this.entries.filter(({ state }) => state === "sending").map(({ studentId }) => studentId));
    // The first photo of a student counts.
    return this.entries.find(({ state, studentId }) => state === "waiting" && !busy.has(studentId));
  }

  async #work() {
    for (;;) {
      const entry = this.#cancelled ? undefined : this.#next();
      if (entry === undefined) return;
      entry.state = "sending";
      draw();
      await this.#send(entry);
      draw();
    }
  }

  /** @param {Entry} entry */
  async #send(entry) {
    let again = false;
    entry.thumbnail ??= await thumbnail(entry.file);
    const blob = await preparePhoto(entry.file, me().uploads ? Infinity : me().max_photo_bytes);
    for (;;) {
      try {
        if (await this.#isRegistered(entry, again)) return;
        const item = {
          id: entry.id,
          kind: "register",
          groupId: entry.student.group_ids[0],
          student: { id: entry.studentId, name: entry.student.name, allowLookalike: entry.allowLookalike ?? false },
          blob,
          uploadId: entry.uploadId,
        };
        const answer = await sendPhoto(
          item,
          me(),
          () => undefined,
          async (uploadId) => {
            entry.uploadId = uploadId;
          },
        );
        entry.state = "registered";
        entry.warnings = answer.warnings ?? [];
        entry.student.state = "registered";
        this.#pause = FIRST_PAUSE;
        return;
      } catch (error) {
        again = true;
        if (!(await this.#goOn(entry, error))) return;
      }
    }
  }

  // Another photo of this run, another tab or a request whose answer was lost may have registered the student.
  async #isRegistered(entry, again) {
    if (again && entry.uploadId === undefined) {
      const read = await get(`/v1/students/${encodeURIComponent(entry.studentId)}`);
      if (read.state === "registered") {
        entry.state = "registered";
        entry.student.state = "registered";
        return true;
      }
    }
    if (entry.student.state !== "registered") return false;
    entry.state = "skipped";
    return true;
  }

  /** @returns {Promise<boolean>} whether to try the photo again. */
  async #goOn(entry, error) {
    const retryable = error instanceof Unreachable || (error instanceof Problem && error.retryable);
    if (error instanceof Problem && STOPPING.includes(error.status)) {
      entry.state = "waiting";
      this.problem = error;
      this.stop();
      return false;
    }
    if (!retryable) {
      if (!(error instanceof Problem)) throw error;
      refuse(entry, error.code, error.detail);
      return false;
    }
    await this.#wait(error instanceof Problem ? error.retryAfter : null);
    if (!this.#cancelled) return true;
    entry.state = "waiting";
    return false;
  }

  /** @param {number | null} seconds asked for by the server. */
  async #wait(seconds) {
    this.state = "offline";
    draw();
    const pause = seconds === null ? this.#pause : seconds * 1000;
    this.#pause = Math.min(this.#pause * 2, MAX_PAUSE);
    await new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        removeEventListener("online", wake);
        this.#pauses.delete(wake);
        resolve(undefined);
      };
      const timer = setTimeout(wake, pause);
      this.#pauses.add(wake);
      addEventListener("online", wake);
    });
    if (!this.#cancelled) this.state = "running";
    draw();
  }
}

/** @param {Blob} file @returns {Promise<string | null>} a small picture; null if this browser cannot read the photo. */
async function thumbnail(file) {
  try {
    const bitmap = await createImageBitmap(file, { resizeWidth: THUMBNAIL, resizeQuality: "medium" });
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    bitmap.close();
    return URL.createObjectURL(await jpeg(canvas, 0.8));
  } catch {
    return null;
  }
}
