#!/usr/bin/python3
"""Writes small KeePass databases beside it, one for each version, key derivation,
cipher, inner stream and compression, all with the same content. Each is read back
with pykeepass before it counts. Debian: python3-pykeepass (which brings
python3-pycryptodome, python3-argon2 and a Twofish)."""
import base64, gzip, hashlib, hmac, os, random, struct
import argon2
import pykeepass
from Cryptodome.Cipher import AES, ChaCha20, Salsa20
from pykeepass.kdbx_parsing.pytwofish import Twofish

os.chdir(os.path.dirname(os.path.abspath(__file__)))
PASSPHRASE = "Correct Horse é".encode()
rng = random.Random(5)
CIPHERS = {"aes": "31c1f2e6bf714350be5805216afc5aff", "twofish": "ad68f29f576f4bb9a36ad47af965346c",
           "chacha20": "d6038a2b8b6f4cb5a524339a31dbb59a"}
KDFS = {"aeskdf": "c9d9f39a628a4460bf740d08c18a4fea", "argon2d": "ef636ddf8c29444b91f7a9a403e30a0c",
        "argon2id": "9e298b1956db4773b23dfc3ec6f0a1e6"}


def uuid():
    return base64.b64encode(rng.randbytes(16)).decode()


def pad(data):
    n = 16 - len(data) % 16
    return data + bytes([n]) * n


def document(stream, header_hash=""):
    """The content: protected values in old versions and in the bin move the stream on."""
    def protect(text):
        return base64.b64encode(stream.encrypt(text.encode())).decode()

    def entry(title, user, fields, history=""):
        strings = "".join(f"<String><Key>{k}</Key><Value{' Protected=%sTrue%s' % (chr(34), chr(34)) if p else ''}>{protect(v) if p else v}</Value></String>"
                          for k, v, p in [("Title", title, False), ("UserName", user, False), ("Password", "pässword " * 20, True)] + fields)
        return f"<Entry><UUID>{uuid()}</UUID>{strings}{'<History>' + history() + '</History>' if history else ''}</Entry>"

    def group(name, inside, id=None):
        return f"<Group><UUID>{id or uuid()}</UUID><Name>{name}</Name>{inside()}</Group>"

    bin = uuid()
    head = f"<HeaderHash>{header_hash}</HeaderHash>" if header_hash else ""
    return ('<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<KeePassFile><Meta><Generator>make.py</Generator>' + head +
            f"<RecycleBinEnabled>True</RecycleBinEnabled><RecycleBinUUID>{bin}</RecycleBinUUID></Meta><Root>" +
            group("Database", lambda:
                  entry("GitHub", "alice@example.com", [("otp", "otpauth://totp/GitHub:alice%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=GitHub", True)],
                        lambda: entry("GitHub", "alice@example.com", [("otp", "key=GEZDGNBVGY3TQOJQ", True)])) +
                  group("Work &amp; Co", lambda: entry("Bank", "bob", [("TimeOtp-Secret-Base32", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", True), ("TimeOtp-Length", "8", False)]) +
                        group("Deep", lambda: entry("Tray", "carol", [("TOTP Seed", "jbsw y3dp ehpk 3pxp", True), ("TOTP Settings", "30;S", False)]))) +
                  group("Recycle Bin", lambda: entry("Gone", "x", [("otp", "key=GEZDGNBVGY3TQOJQ", True)]) +
                        group("Folder", lambda: entry("Gone too", "x", [("otp", "key=GEZDGNBVGY3TQOJQ", True)])), bin) +
                  entry("Last", "dave", [("otp", "key=JBSWY3DPEHPK3PXP&size=8", True)])) +
            "</Root></KeePassFile>").encode()


def variant(items):
    out = struct.pack("<H", 0x100)
    for kind, key, value in items:
        out += struct.pack("<BI", kind, len(key)) + key.encode() + struct.pack("<I", len(value)) + value
    return out + b"\0"


def transform(kdf, composite, seed):
    if kdf == "aeskdf":
        for _ in range(1000):
            composite = AES.new(seed, AES.MODE_ECB).encrypt(composite)
        return hashlib.sha256(composite).digest()
    return argon2.low_level.hash_secret_raw(composite, seed, time_cost=2, memory_cost=256, parallelism=2, hash_len=32, version=0x13,
                                            type=argon2.low_level.Type.D if kdf == "argon2d" else argon2.low_level.Type.ID)


def encrypt(cipher, key, iv, data):
    if cipher == "chacha20":
        return ChaCha20.new(key=key, nonce=iv).encrypt(data)
    if cipher == "twofish":
        return cbc(Twofish(key), iv, pad(data))
    return AES.new(key, AES.MODE_CBC, iv).encrypt(pad(data))


def cbc(block, iv, data):
    out = b""
    for i in range(0, len(data), 16):
        iv = block.encrypt(bytes(a ^ b for a, b in zip(iv, data[i:i + 16])))
        out += iv
    return out


def keys(kdf, seed):
    composite = hashlib.sha256(hashlib.sha256(PASSPHRASE).digest()).digest()
    return transform(kdf, composite, seed)


def kdbx4(name, kdf, cipher, zipped, stream):
    master, seed, iv, inner = rng.randbytes(32), rng.randbytes(32), rng.randbytes(12 if cipher == "chacha20" else 16), rng.randbytes(64)
    parameters = [(0x42, "$UUID", bytes.fromhex(KDFS[kdf])), (0x42, "S", seed)]
    parameters += [(0x05, "R", struct.pack("<Q", 1000))] if kdf == "aeskdf" else [
        (0x04, "V", struct.pack("<I", 0x13)), (0x05, "I", struct.pack("<Q", 2)), (0x05, "M", struct.pack("<Q", 256 * 1024)), (0x04, "P", struct.pack("<I", 2))]
    header = bytes.fromhex("03d9a29a67fb4bb50000" "0400")
    for id, value in [(2, bytes.fromhex(CIPHERS[cipher])), (3, struct.pack("<I", zipped)), (4, master), (7, iv), (11, variant(parameters)), (0, b"\r\n\r\n")]:
        header += struct.pack("<BI", id, len(value)) + value
    transformed = keys(kdf, seed)
    base = hashlib.sha512(master + transformed + b"\1").digest()

    def mac(block, data):
        return hmac.new(hashlib.sha512(struct.pack("<Q", block) + base).digest(), data, hashlib.sha256).digest()

    if stream == 3:
        k = hashlib.sha512(inner).digest()
        s = ChaCha20.new(key=k[:32], nonce=k[32:44])
    else:
        s = Salsa20.new(hashlib.sha256(inner).digest(), nonce=bytes.fromhex("e830094b97205d2a"))
    plain = b"".join(struct.pack("<BI", i, len(v)) + v for i, v in [(1, struct.pack("<I", stream)), (2, inner), (3, b"\1attachment"), (0, b"")]) + document(s)
    if zipped:
        plain = gzip.compress(plain, mtime=0)
    data = encrypt(cipher, hashlib.sha256(master + transformed).digest(), iv, plain)
    out = header + hashlib.sha256(header).digest() + mac(2**64 - 1, header)
    blocks = [data[i:i + 1000] for i in range(0, len(data), 1000)] + [b""]
    for i, b in enumerate(blocks):
        out += mac(i, struct.pack("<QI", i, len(b)) + b) + struct.pack("<I", len(b)) + b
    save(name, out)


def kdbx3(name, cipher, zipped, stream):
    master, seed, iv, inner, start = rng.randbytes(32), rng.randbytes(32), rng.randbytes(16), rng.randbytes(32), rng.randbytes(32)
    header = bytes.fromhex("03d9a29a67fb4bb50100" "0300")
    for id, value in [(2, bytes.fromhex(CIPHERS[cipher])), (3, struct.pack("<I", zipped)), (4, master), (5, seed), (6, struct.pack("<Q", 1000)), (7, iv),
                      (8, inner), (9, start), (10, struct.pack("<I", stream)), (0, b"\r\n\r\n")]:
        header += struct.pack("<BH", id, len(value)) + value
    s = Salsa20.new(hashlib.sha256(inner).digest(), nonce=bytes.fromhex("e830094b97205d2a"))
    xml = document(s, base64.b64encode(hashlib.sha256(header).digest()).decode())
    if zipped:
        xml = gzip.compress(xml, mtime=0)
    plain = start
    for i, b in enumerate([xml[i:i + 700] for i in range(0, len(xml), 700)] + [b""]):
        plain += struct.pack("<I", i) + (hashlib.sha256(b).digest() if b else bytes(32)) + struct.pack("<I", len(b)) + b
    save(name, header + encrypt(cipher, hashlib.sha256(master + keys("aeskdf", seed)).digest(), iv, plain))


def save(name, data):
    open(name, "wb").write(data)
    k = pykeepass.PyKeePass(name, password=PASSPHRASE.decode())
    got = sorted(e.title for e in k.entries)
    assert got == ["Bank", "GitHub", "Gone", "Gone too", "Last", "Tray"], got
    assert k.find_entries(title="Bank", first=True).get_custom_property("TimeOtp-Secret-Base32") == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert k.find_entries(title="Last", first=True).otp == "key=JBSWY3DPEHPK3PXP&size=8"


kdbx3("v3-aes-salsa20-gzip.kdbx", "aes", True, 2)
kdbx3("v3-twofish-salsa20.kdbx", "twofish", False, 2)
kdbx4("v4-aeskdf-aes-chacha20-gzip.kdbx", "aeskdf", "aes", True, 3)
kdbx4("v4-argon2d-chacha20-chacha20.kdbx", "argon2d", "chacha20", False, 3)
kdbx4("v4-argon2id-twofish-chacha20-gzip.kdbx", "argon2id", "twofish", True, 3)
kdbx4("v4-argon2id-aes-salsa20-gzip.kdbx", "argon2id", "aes", True, 2)
