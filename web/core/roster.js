/** Groups and students, read from the server and remembered for the time without a network. */

import { getAll, remembered } from "./api.js";
import { draw } from "./draw.js";

const LAST = "muster.group";

/** @type {{group_id: string, name: string}[] | null} null until they are read. */
let groups = null;
let problem = null;
/** Students by group. */
const students = new Map();

/** @returns the groups that this user sees, or null while they are not known. */
export function knownGroups() {
  return groups;
}

/** Why the groups are not known. */
export function rosterProblem() {
  return problem;
}

/** @returns {string} name of a group, its id where it has none. */
export function groupName(id) {
  return groups?.find((group) => group.group_id === id)?.name || id;
}

/** @returns {string | null} the group that was chosen last, if it is still there. */
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

/** Read the groups. */
export async function loadGroups() {
  try {
    groups = await remembered("/v1/groups", () => getAll("/v1/groups"));
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** @returns students of a group as last read, ordered by name; null until then. */
export function knownStudents(groupId) {
  return students.get(groupId) ?? null;
}

/** Read the students of a group. @param {string} groupId */
export async function loadStudents(groupId) {
  const path = `/v1/groups/${encodeURIComponent(groupId)}/students`;
  const read = await remembered(path, () => getAll(path));
  students.set(
    groupId,
    read.sort((one, other) => one.name.localeCompare(other.name)),
  );
  draw();
}

/** Forget all of it, when somebody signs out. */
export function forgetRoster() {
  groups = null;
  problem = null;
  students.clear();
  localStorage.removeItem(LAST);
}
