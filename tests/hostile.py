"""Three hundred names that mean something to an engine, a shell, a formatter, a terminal or a file system."""

# Letters that look like others are the point.
# ruff: noqa: RUF001

from __future__ import annotations

FRAGMENTS = (
    "'", '"', "`", "''", '""', "\\", "\\'", "a'b", 'a"b', '"a"', "'a'", "a\\", "/*", "*/", "--", "-- x", "#", ";",
    "a;b", "()", ")", "(", "a)b", "*", "?", "$1", "${x}", "$$", ":x", "@x", "%", "%s", "%(x)s", "%%", "{}", "{0}",
    "{x}", "{{}}", "}{", "[", "]", "[0]", "<b>", "&amp;", "a,b", "a|b", "a.b", ".", "..", "...", "../x", "~", "=",
    "=1+1", "+1", "-1", "@", "!", "^", "a b", "a  b", 'a\tb', "a:b", "C:", "a/b", "a\\b", "://", "s3://x", "null",
    "NULL", "None", "nan", "true", "0", "1", "007", "1e3", "-", "_", "__",
)  # fmt: skip
STATEMENTS = (
    "'; DROP TABLE orders; --", '"; DROP TABLE orders; --', "' OR '1'='1", '" OR ""="', "1; SELECT 1",
    "x') FROM y --", "a UNION SELECT 1", '") FROM (SELECT 1) t("', "' || (SELECT 1) || '", "x AS y", "x::int",
    "COUNT(*)", "*, 1 AS x", "/* x */", "'); COPY x TO 'y'; --", "\\'; DROP", "a' --", 'a" --', "); ATTACH 'x'; --",
    "$(reboot)", "`reboot`", "| rm", "&& x", "{__class__}", "{0.__init__}", "%n%n",
)  # fmt: skip
KEYWORDS = (
    "select", "SELECT", "from", "table", "TABLE", "order", "ORDER BY", "group", "where", "user", "key", "index",
    "primary", "values", "all", "limit", "union", "join", "left", "on", "as", "case", "when", "end", "default",
    "column", "row", "rowid", "ctid", "oid", "t", "c0", "c1", "file", "line", "fault", "part", "file_index",
    "file_row_number", "filename", "key ", "copies", "unread", "recorded_at", "customer_id", "ordered_at", "amount",
    "order_id", "t_amount_0", "p_amount_0", "v_amount_0", "orders", "orders_accepted", "EXCLUDE", "REPLACE",
    "COLUMNS(*)",
)  # fmt: skip
SCRIPTS = (
    "größe", "größe", "naïve", "ŒUVRE", "Ελλάδα", "сумма", "СУММА", '\u91d1\u989d', '\u5ba2\u6237',
    '\u65e5\u672c\u8a9e', '\ud55c\uad6d\uc5b4', "עברית", "العربية", '\u202eabc', 'abc\u202c', '\u200fx', 'a\u200bb',
    'a\u200db', 'a\xadb', '\ufeffx', 'a\xa0b', '\uff46\uff55\uff4c\uff4c', '\u2460', '\ufb01', "K", "K", "ı", "İ",
    "i̇", "ß", "ẞ", "ſ", "é", "é", "ệ", "ệ", "Å", "Å", "́x", "Z͑ͫ̓", '\U0001f600',
    '\U0001f469\u200d\U0001f469\u200d\U0001f467', '\U0001f3f3\ufe0f\u200d\U0001f308', '\U0001f1e9\U0001f1ea',
    '\U0001f600\U0001f600', '\U0010fffd', '\ue000', '\U0001d518\U0001d52b\U0001d526', "ǅ", '\ufdfa', '\u2028x',
    'a\u2029b', 'a\x85b', 'a\x0bb', 'a\x0cb', 'a\x1cb', 'a\x01b', 'a\x1b[31mb', 'a\x7fb', 'a\x08b',
)  # fmt: skip
TWINS = (
    "Amount", "AMOUNT", "aMOUNT", "Customer_ID", "CUSTOMER_ID", "Select", "C0", "FILE", "Straße", "STRASSE",
    "strasse", "a", "A", "É",
)  # fmt: skip
LONG = ("x" * 64, "y" * 255, "z" * 1_000, "é" * 40, "'" * 50, '"' * 51, "😀" * 20, "a" * 62 + "é", "{" * 30 + "}" * 30)
IMPOSSIBLE_IN_DATABASES = ("a\0b", "\0")


def _others(count: int) -> list[str]:
    """Pairs of the above, so that meanings meet."""
    pairs = zip(FRAGMENTS * 3, (SCRIPTS + STATEMENTS + KEYWORDS) * 3, strict=False)
    return [f"{left}{right}" for left, right in pairs][7 : 7 + 3 * count : 3]


def _distinct() -> tuple[str, ...]:
    """The first three hundred that differ once blanks around them are gone, as around any column's name."""
    given = (*FRAGMENTS, *STATEMENTS, *KEYWORDS, *SCRIPTS, *TWINS, *LONG, *IMPOSSIBLE_IN_DATABASES)
    named = dict.fromkeys(name.strip() for name in given)
    for name in _others(100):
        named.setdefault(name.strip())
    return tuple(named)


NAMES = _distinct()[:300]
