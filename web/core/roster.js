/** Groups and students, cached for use without a network. */

import { cached, getAll } from "./api.js";
import { draw } from "./draw.js";
import { resetOnSignOut } from "./sign-out.js";

const LAST = "muster.group";

/** @typedef {{group_id: string, name: string | null}} Group */
/** @typedef {{student_id: string, name: string, state: string}} Student */

/** @type {Group[] | null} null until loaded. */
let groups = null;
/** @type {any} why loading failed. */
let problem = null;
/** @type {Map<string, Student[]>} students by group. */
const students = new Map();

/** @returns {Group[] | null} the groups that this user may see; null until loaded. */
export function knownGroups() {
  return groups;
}

/** @returns {any} why the groups could not be loaded; null if they were. */
export function rosterProblem() {
  return problem;
}

/** @param {string} id @returns {string} name of a group, or its id if it has none. */
export function groupName(id) {
  return groups?.find((group) => group.group_id === id)?.name || id;
}

/** @returns {string | null} the group chosen last if it still exists, or else the first group. */
export function chosenGroup() {
  const last = localStorage.getItem(LAST);
  if (groups === null) return last;
  return groups.some((group) => group.group_id === last) ? last : (groups[0]?.group_id ?? null);
}

/** @param {string} id */
export function chooseGroup(id) {
  localStorage.setItem(LAST, id);
  draw();
}

/** Load the groups. */
export async function loadGroups() {
  try {
    groups = await cached("/v1/groups", () => getAll("/v1/groups"));
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** @param {string} groupId @returns {Student[] | null} students of a group, ordered by name; null until loaded. */
export function knownStudents(groupId) {
  return students.get(groupId) ?? null;
}

/** Load the students of a group. @param {string} groupId */
export async function loadStudents(groupId) {
  const path = `/v1/groups/${encodeURIComponent(groupId)}/students`;
  const read = await cached(path, () => getAll(path));
  students.set(
    groupId,
    read.sort((first, second) => first.name.localeCompare(second.name)),
  );
  draw();
}

resetOnSignOut(() => {
  groups = null;
  problem = null;
  students.clear();
  localStorage.removeItem(LAST);
});
