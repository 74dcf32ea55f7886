"""The stores on AWS: one DynamoDB table and two S3 buckets.

Items of the table, by partition key and sort key:

=====================  ==============================  ====================================================
`pk`                   `sk`                            item
=====================  ==============================  ====================================================
`STUDENT#<student>`    `RECORD`                        record of a student
`STUDENT#<student>`    `TEMPLATE`                      template
`STUDENT#<student>`    `SESSION#<session>`             mention: the session names the student
`STUDENT#<student>`    `UPLOAD#<upload>`               mention: the upload registers the student
`GROUPS`               `<group>`                       record of a group
`GROUP#<group>`        `STUDENT#<student>`             copy of a member's record; `GROUP#` is the school
`GROUP#<group>`        `ROSTER`                        version of the roster
`GROUP#<group>`        `SESSION#<started>#<session>`   listing of a session
`SESSION#<session>`    `RECORD`                        record of a session with its marks
`SESSION#<session>`    `PHOTO#<photo>`                 photo with its faces
`SESSION#<session>`    `CHANGE#<revision>`             changes that a person made at once
`DIGEST#<sha256>`      `SESSION#<session>#<photo>`     listing of a photo by its digest
`HEADS#`               `PACK#<pack>`                   listing of a pack that has heads
`HEADS#<pack>`         `HEAD#<version>`, `POINTER`     head; number of the current head
`TRAINING`             `RECORD`                        state of training
`REGISTERING`          `RECORD`                        lease of registrations
`UPLOAD#<upload>`      `RECORD`                        upload (expires)
`ANSWERS`              `<sha256 of the key>`           idempotency record (expires)
`OBJECTS`              `<time>#<random>`               pending: objects that no item refers to
`ERASURES`             `<student>`                     pending: erasure or withdrawal
`REMOVALS`             `<session>`                     pending: removal of a session
`COPIES`, `OUTDATED`   `<student>`                     pending: training copy to write, or to renew
=====================  ==============================  ====================================================

The photos bucket holds `students/` (registration photos), `sessions/` (session photos) and `uploads/` (photos that
were sent but not read yet). The models bucket holds `templates/` (training copies), `heads/` and `checkpoints/`.

A transaction changes the items that belong together. Work that does not fit into it is noted in the same transaction as
pending. The call that noted it carries it out; if its process is killed, a later call or the daily sweep does
(`AwsStores.sweep`).
"""
