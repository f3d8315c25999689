-- A project: its photographs, the people who judge them, and every judgement. One file holds one project of one kind.

CREATE TABLE project (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uid TEXT NOT NULL,                      -- drawn when the project is made, so that pages know whose they are
    kind TEXT NOT NULL CHECK (kind IN ('ratings', 'captions', 'study')),
    title TEXT NOT NULL,
    settings TEXT NOT NULL,                 -- JSON; what it holds depends on the kind
    created TEXT NOT NULL                   -- all times: ISO 8601, UTC, whole seconds
) STRICT;

CREATE TABLE photograph (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,              -- path below the folder, with /
    width INTEGER,                          -- of the frame, in pixels; 0 in a study that knows only crops of it
    height INTEGER,
    sha256 TEXT,                            -- of the file
    problem TEXT,                           -- why the file is no photograph; such a row has nothing else
    CHECK ((problem IS NULL) = (width IS NOT NULL AND height IS NOT NULL AND sha256 IS NOT NULL))
) STRICT;

-- What the pages show: the photograph, turned, in sRGB, small. With it a project needs no other file.
CREATE TABLE picture (
    photograph INTEGER PRIMARY KEY REFERENCES photograph ON DELETE CASCADE,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    jpeg BLOB NOT NULL
) STRICT;

CREATE TABLE rater (
    id INTEGER PRIMARY KEY,                 -- the order of their coming: 1, 2, ...
    key TEXT NOT NULL UNIQUE,               -- the name without regard to upper and lower case
    name TEXT NOT NULL,
    created TEXT NOT NULL,
    excluded TEXT                           -- why their judgements do not count, if they do not
) STRICT;

-- Time at work, as the page measures it: its clock stands while its tab is hidden.
CREATE TABLE session (
    id TEXT PRIMARY KEY,                    -- made by the page
    rater INTEGER NOT NULL REFERENCES rater,
    started TEXT NOT NULL,
    seconds REAL NOT NULL CHECK (seconds >= 0)
) STRICT, WITHOUT ROWID;

-- How far each browser's writes to each judgement have come: one that arrives after a newer one is old.
CREATE TABLE newest_write (
    rater INTEGER NOT NULL REFERENCES rater,
    judgement TEXT NOT NULL,                -- 'grade', 'repeat', 'box', 'vote' or 'description', and the number of what
    browser TEXT NOT NULL,                  -- a random name
    stamp INTEGER NOT NULL,                 -- milliseconds since 1970 by the browser's clock
    PRIMARY KEY (rater, judgement, browser)
) STRICT, WITHOUT ROWID;

-- Kind 'ratings'.

CREATE TABLE crop (
    id INTEGER PRIMARY KEY,
    photograph INTEGER NOT NULL REFERENCES photograph ON DELETE CASCADE,
    position INTEGER NOT NULL,              -- in the order of the grid's generation, from 0
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
    ratable INTEGER NOT NULL CHECK (ratable IN (0, 1)),     -- 0: outside the aspect bounds, nobody rates it
    imported_mos REAL,                      -- from the data set that the crop was imported with
    UNIQUE (photograph, position),
    CHECK (x1 < x2 AND y1 < y2)
) STRICT;

CREATE TABLE rating (
    rater INTEGER NOT NULL REFERENCES rater,
    crop INTEGER NOT NULL REFERENCES crop,
    pass INTEGER NOT NULL CHECK (pass IN (0, 1)),           -- 1: the hidden repeat
    grade INTEGER NOT NULL CHECK (grade BETWEEN 1 AND 5),
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),    -- from when the crop could be graded
    at TEXT NOT NULL,
    PRIMARY KEY (rater, crop, pass)
) STRICT, WITHOUT ROWID;

CREATE INDEX rating_of_crop ON rating (crop);

-- Every grade ever given or taken back, in order.
CREATE TABLE rating_log (
    id INTEGER PRIMARY KEY,
    rater INTEGER NOT NULL REFERENCES rater,
    crop INTEGER NOT NULL REFERENCES crop,
    pass INTEGER NOT NULL,
    grade INTEGER,                          -- NULL: taken back
    milliseconds INTEGER NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- Kind 'captions'.

CREATE TABLE caption (
    id INTEGER PRIMARY KEY,
    photograph INTEGER NOT NULL REFERENCES photograph ON DELETE CASCADE,
    position INTEGER NOT NULL,              -- among the photograph's captions, from 0
    text TEXT NOT NULL,
    UNIQUE (photograph, position)
) STRICT;

CREATE TABLE drawn_box (
    rater INTEGER NOT NULL REFERENCES rater,
    caption INTEGER NOT NULL REFERENCES caption,
    x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    at TEXT NOT NULL,
    PRIMARY KEY (rater, caption),
    CHECK (x1 < x2 AND y1 < y2)
) STRICT, WITHOUT ROWID;

-- Kind 'study'.

CREATE TABLE method (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE output (
    id INTEGER PRIMARY KEY,
    photograph INTEGER NOT NULL REFERENCES photograph ON DELETE CASCADE,
    method INTEGER NOT NULL REFERENCES method,
    x1 REAL, y1 REAL, x2 REAL, y2 REAL,     -- the crop's box, where it is known
    width INTEGER NOT NULL,                 -- of the picture that is shown
    height INTEGER NOT NULL,
    jpeg BLOB NOT NULL,
    UNIQUE (photograph, method)
) STRICT;

CREATE TABLE vote (
    rater INTEGER NOT NULL REFERENCES rater,
    photograph INTEGER NOT NULL REFERENCES photograph,
    choice INTEGER NOT NULL REFERENCES output,
    shown TEXT NOT NULL,                    -- JSON: the outputs' ids as they were shown, first to last
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    at TEXT NOT NULL,
    PRIMARY KEY (rater, photograph)
) STRICT, WITHOUT ROWID;

CREATE TABLE description (
    rater INTEGER NOT NULL REFERENCES rater,
    output INTEGER NOT NULL REFERENCES output,
    text TEXT NOT NULL,
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0),
    at TEXT NOT NULL,
    PRIMARY KEY (rater, output)
) STRICT, WITHOUT ROWID;
