#!/usr/bin/python3
"""Writes the databases beside it and what is in them (want.json), with the SQLite
of Python and the sqlcipher command (Debian: python3, sqlcipher 3.4). The expected
rows are what SQLite itself answers."""
import json, os, shutil, sqlite3, subprocess

os.chdir(os.path.dirname(os.path.abspath(__file__)))
want = {}


def plain(v):
    return {"blob": v.hex()} if isinstance(v, bytes) else {"real": repr(v)} if isinstance(v, float) else v


def record(name, connection):
    connection.row_factory = sqlite3.Row
    tables = [r[0] for r in connection.execute(
        "select name from sqlite_master where type='table' and sql not like '%WITHOUT ROWID%'")]
    want[name] = {t.lower(): [{k.lower(): plain(r[k]) for k in r.keys()} for r in connection.execute(f'select * from "{t}" order by rowid')]
                  for t in tables}


def create(name, *pragmas):
    for f in (name, name + "-wal", name + "-shm"):
        if os.path.exists(f):
            os.remove(f)
    c = sqlite3.connect(name)
    for p in pragmas:
        c.execute("pragma " + p)
    return c


def fill(c, rows):
    c.execute("""CREATE TABLE Accounts (
        _id INTEGER PRIMARY KEY AUTOINCREMENT, -- the rowid, says this comment, with a )
        [e mail] TEXT NOT NULL, "sec""ret" VARCHAR(40) DEFAULT ('a,b'), `count` INTEGER,
        data BLOB, /* , */ price REAL CHECK (price IS NULL OR (price > -1e300)), 'quoted' ,
        UNIQUE ("e mail", _id), CONSTRAINT k FOREIGN KEY (_id) REFERENCES other(id))""")
    numbers = [0, 1, -1, 127, -128, 128, 32767, -32768, 40000, 8388607, -8388608, 9000000, 2**31 - 1, -2**31,
               2**40, -2**40, 2**47 - 1, 2**47, 2**62, -2**63, 2**63 - 1]
    for i in range(rows):
        c.execute("insert into accounts([e mail],\"sec\"\"ret\",`count`,data,price,quoted) values(?,?,?,?,?,?)", (
            f"nütz{i}@例え.example", None if i % 5 == 0 else "S" * (i % 40), numbers[i % len(numbers)],
            bytes((i + j) % 256 for j in range([0, 1, 30, 479, 1500, 5000][i % 6 if i < 12 else i % 3])),
            [1.5, None, -0.25, 3.0, 1e300][i % 5], ["", "x", None][i % 3]))
    c.execute("delete from accounts where _id % 7 = 3")
    c.execute("CREATE TABLE other (id INTEGER, name, PRIMARY KEY(id AUTOINCREMENT))")
    c.executemany("insert into other values(?,?)", [(5, "five"), (-3, "minus three"), (2**40, "far")])
    c.execute("ALTER TABLE other ADD COLUMN later TEXT")
    c.execute("insert into other values(9,'nine','here')")
    c.execute("CREATE TABLE empty (a, b)")
    c.execute("CREATE TABLE notrowid (id INT PRIMARY KEY, v)")  # INT is not INTEGER: a column of its own
    c.execute("insert into notrowid values(70, 'seventy')")
    c.execute("CREATE INDEX byname ON other(name)")
    c.execute("CREATE VIEW v AS SELECT name FROM other")
    c.commit()


for name, pragmas in {"utf8.db": ["page_size=512"], "utf16le.db": ["page_size=1024", "encoding='UTF-16le'"],
                      "utf16be.db": ["page_size=512", "encoding='UTF-16be'"]}.items():
    c = create(name, *pragmas)
    fill(c, 70 if name == "utf8.db" else 12)
    record(name, c)
    c.close()

c = create("norowid.db")
c.execute("CREATE TABLE t (id TEXT PRIMARY KEY, v) WITHOUT ROWID")
c.execute("insert into t values('a', 1)")
c.commit()
record("norowid.db", c)
c.close()

# A log that was begun anew, so that old frames follow the valid ones, with two
# transactions and one that was never committed.
c = create("live.db", "page_size=512", "journal_mode=wal", "wal_autocheckpoint=0")
c.execute("create table accounts (id integer primary key, name text)")
c.executemany("insert into accounts(name) values(?)", [("old %d" % i * 20,) for i in range(40)])
c.commit()
c.execute("pragma wal_checkpoint(restart)").fetchall()
c.execute("update accounts set name='changed' where id=3")
c.commit()
c.execute("insert into accounts(name) values('added')")
c.execute("delete from accounts where id=5")
c.commit()
record("wal.db", c)
c.execute("pragma cache_size=1")
c.executemany("insert into accounts(name) values(?)", [("uncommitted" * 30,) for i in range(60)])
shutil.copy("live.db", "wal.db")
shutil.copy("live.db-wal", "wal.db-wal")
c.rollback()
c.close()
os.remove("live.db")

# Everything in the log, nothing in the file but its first page.
c = create("fresh.db", "page_size=512", "journal_mode=wal", "wal_autocheckpoint=0")
c.execute("create table accounts (id integer primary key, name text)")
c.execute("insert into accounts(name) values('only in the log')")
c.commit()
record("walonly.db", c)
open("walonly.db", "wb").close()
shutil.copy("fresh.db-wal", "walonly.db-wal")
c.close()
os.remove("fresh.db")

if os.path.exists("sqlcipher.db"):
    os.remove("sqlcipher.db")
statements = "".join(f"insert into accounts values({i},'GitHub:user{i}','JBSWY3DPEHPK3PXP',{i},{i % 2},'GitHub');" for i in range(1, 41))
subprocess.run(["sqlcipher", "sqlcipher.db"], check=True, text=True, input=
    "pragma key='correct horse';create table accounts(_id integer primary key,email text,secret text,counter integer,type integer,issuer text);" + statements)
want["sqlcipher.db"] = {"accounts": [{"_id": i, "email": f"GitHub:user{i}", "secret": "JBSWY3DPEHPK3PXP", "counter": i, "type": i % 2, "issuer": "GitHub"}
                                     for i in range(1, 41)]}
json.dump(want, open("want.json", "w"), ensure_ascii=False, sort_keys=True, separators=(",\n", ":"))
