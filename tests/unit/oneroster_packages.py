"""OneRoster packages with the columns of the standard, for versions 1.1 and 1.2."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

COLUMNS = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "courses": (
        "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
        "subjectCodes"
    ),
    "classes": (
        "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
        "termSourcedIds,subjects,subjectCodes,periods"
    ),
    "users": (
        "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
        "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
    ),
    "enrollments": (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    ),
}
USERS_1_2 = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,"
    "sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,"
    "preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns"
)
ROLES = (
    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId"
)

ROWS = {
    "academicSessions": [
        "year26,,,2026/27,schoolYear,2026-08-31,2027-07-16,,2027",
        "autumn,,,Autumn,term,2026-08-31,2026-12-18,year26,2027",
    ],
    "orgs": ["north,,,North School,school,N1,", "south,,,South School,school,S1,"],
    "courses": ["maths,,,year26,Mathematics,MA,07,north,Mathematics,"],
    "classes": [
        "c-7b,,,7b,07,maths,7B,homeroom,R1,north,year26,,,",
        'c-ma,,,"Mathematics, set 1",07,maths,MA1,scheduled,R2,north,autumn,Mathematics,,2',
        "c-s1,,,South 1,07,,S1,homeroom,,south,year26,,,",
    ],
    "users": [
        "u-ada,,,true,north,student,ada.l,,Ada,Lovelace,,0042,ada.l@example.edu,,,g1,07,secret",
        "u-bob,,,true,north,student,bob,,Bob,Björk,,0043,,,,,07,",
        "u-cy,,,true,south,student,cy,,Cy,Young,,0044,,,,,07,",
        "u-tea,,,true,north,teacher,turing,,Alan,Turing,,t1,turing@example.edu,,,,,",
        "u-new,,,true,north,teacher,hopper,,Grace,Hopper,,t2,hopper@example.edu,,,,,",
        "g1,,,true,north,parent,annabella,,Annabella,Byron,,,annabella@example.org,,,u-ada,,",
    ],
    "enrollments": [
        "e1,,,c-7b,north,u-ada,student,,,",
        "e2,,,c-ma,north,u-ada,student,,2026-09-01,2027-07-01",
        "e3,,,c-7b,north,u-bob,student,,,",
        "e4,,,c-ma,north,u-bob,student,,2026-09-01,2026-09-30",
        "e5,,,c-s1,south,u-cy,student,,,",
        "e6,,,c-7b,north,u-tea,teacher,true,,",
        "e7,,,c-ma,north,u-new,teacher,true,,",
        "e8,,,c-7b,north,g1,parent,,,",
    ],
}


def package(
    version: str = "1.1", *, modes: dict[str, str] | None = None, rows: dict[str, list[str]] | None = None
) -> dict[str, bytes]:
    """Return the files of a package by name without `.csv`.

    Args:
        modes: by file; the others are `bulk` if they have rows.
        rows: replace those of `ROWS` by file; no rows leave a file out.
    """
    taken = {**ROWS, **(rows or {})}
    columns = dict(COLUMNS)
    if version == "1.2":
        columns |= {"users": USERS_1_2, "roles": ROLES}
        if rows is None or "users" not in rows:
            taken |= {"users": list(map(_without_role, ROWS["users"]))}
            taken |= {"roles": [f"r{number},,,{_role(row)}" for number, row in enumerate(ROWS["users"])]}
    stated = {file: "bulk" if taken.get(file) else "absent" for file in columns} | (modes or {})
    manifest = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    manifest += [f"file.{file},{mode}" for file, mode in stated.items()] + ["source.systemName,Example"]
    files = {"manifest": manifest} | {file: [columns[file], *taken[file]] for file in columns if taken.get(file)}
    return {file: "\r\n".join(lines).encode() for file, lines in files.items()}


def archive(files: dict[str, bytes], folder: str = "") -> bytes:
    """Return a ZIP archive of the files, in a folder or at the top."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(f"{folder}{name}.csv", content)
    return buffer.getvalue()


def _without_role(row: str) -> str:
    cells = row.split(",")
    # Version 1.2 has no organisations and no role here, and more columns at the end.
    return ",".join(cells[:4] + cells[6:]) + ",,,,,,,"


def _role(row: str) -> str:
    cells = row.split(",")
    return f"{cells[0]},primary,{cells[5]},,,{cells[4]},"
