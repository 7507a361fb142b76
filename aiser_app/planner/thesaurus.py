"""Business synonyms, abbreviations and how figures behave: general English, no database's names."""

from __future__ import annotations

from aiser_app.planner.words import word_set

ABBREVIATIONS = {
    "arr": "arrival", "dep": "departure", "dest": "destination", "orig": "origin",
    "qty": "quantity", "amt": "amount", "avg": "average", "num": "number", "nbr": "number",
    "no": "number", "nr": "number", "cnt": "count", "cust": "customer", "prod": "product",
    "emp": "employee", "dept": "department", "addr": "address", "desc": "description",
    "cat": "category", "mfr": "manufacturer", "mgr": "manager", "org": "organization",
    "acct": "account", "inv": "invoice", "ord": "order", "txn": "transaction",
    "tx": "transaction", "trans": "transaction", "sched": "scheduled", "temp": "temperature",
    "pct": "percent", "yr": "year", "mo": "month", "wk": "week", "hr": "hour", "hrs": "hours",
    "mins": "minutes", "secs": "seconds", "dt": "date", "ts": "timestamp", "tm": "time",
    "ref": "reference", "loc": "location", "lat": "latitude", "lon": "longitude",
    "lng": "longitude", "alt": "altitude", "dob": "birthdate", "tel": "phone", "msg": "message",
    "pkg": "package", "wt": "weight", "vol": "volume", "len": "length", "dist": "distance",
    "dur": "duration", "val": "value", "bal": "balance", "rev": "revenue", "disc": "discount",
    "std": "standard", "src": "source", "tgt": "target", "supp": "supplier", "suppl": "supplier",
    "veh": "vehicle", "pmt": "payment", "mach": "machine", "oper": "operation", "insp": "inspection",
    "downt": "downtime", "def": "defect", "purch": "purchase", "wo": "work order", "po": "purchase order",
    "qual": "quality", "prio": "priority", "freq": "frequency", "max": "maximum", "min": "minimum",
    "tot": "total", "ctry": "country", "cntry": "country", "st": "status", "grp": "group",
    "lvl": "level", "seq": "sequence", "est": "estimated", "act": "actual", "req": "required",
    "wh": "warehouse", "whse": "warehouse", "pos": "position", "curr": "currency", "ccy": "currency",
    # German, as many systems of record name their columns
    "bez": "name", "menge": "quantity", "dauer": "duration", "land": "country", "ort": "city",
    "preis": "price", "betrag": "amount", "kunde": "customer", "kd": "customer", "artikel": "article",
    "komp": "component", "lief": "supplier", "gew": "weight", "gewicht": "weight", "baujahr": "construction year",
    "geplant": "planned", "aktiv": "active", "ist": "actual", "eintr": "entry", "austr": "exit",
    "art": "type", "typ": "type", "waehr": "currency", "schwere": "severity", "supv": "supervisor",
    "pruefer": "inspector", "datum": "date", "nummer": "number", "anz": "count", "anzahl": "count",
    "strasse": "street", "plz": "postcode", "bestand": "stock", "auftrag": "order", "rechnung": "invoice",
    "umsatz": "revenue", "kosten": "cost", "mitarb": "employee", "abt": "department", "lager": "warehouse",
}  # fmt: skip
"""Parts of identifiers only; the words of a question are never expanded."""

GENERIC_TAILS = word_set(
    "id code key name number no nr num cd nm title label description desc text uid uuid"
)
"""Last words of a column name that say what kind of column it is, not what it is about."""

FIGURE_TAILS = word_set("""amount amt quantity qty total value val date dt time minutes minute hours hour days seconds
    usd eur percent pct count cnt ts timestamp at on""")
"""Last words that say the unit or kind of a figure: `copay_amt` is the copay."""

TABLE_PREFIXES = word_set(
    "dim fct fact tbl tab stg src raw vw view dw ods mart mst bridge brg xref lkp lookup ref t"
)

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "revenue turnover sales amount",
        "price cost charge fee",
        "cost expense spend spending expenditure",
        "customer client buyer",
        "employee worker staff",
        "product item article",
        "supplier vendor",
        "order purchase",
        "seller merchant",
        "airline carrier",
        "doctor physician",
        "city town",
        "department division",
        "salary wage pay",
        "gender sex",
        "delay lateness",
        "manufacturer maker",
        "category kind type class",
        "region area territory",
        "warehouse depot",
        "store shop outlet",
        "machine equipment",
        "vehicle truck",
        "plane aircraft airplane",
        "stock inventory",
        "quantity unit",
        "defect fault flaw",
        "begin start beginning",
        "end finish completion",
        "rating score stars",
        "visit appointment",
        "visit session",
        "invoice bill",
        "refund reimbursement",
        "date day",
        "country nation",
        "channel medium",
        "status state",
        "shipment delivery",
        "receipt basket transaction till",
        "order basket cart",
        "member customer subscriber holder",
        "promotion promo offer deal",
        "product goods merchandise",
        "category department",
        "employee operator personnel colleague headcount people",
        "booking reservation stay",
        "guest visitor traveller",
        "hotel property",
        "account customer client organization company",
        "plan package tier tariff",
        "subscription contract agreement",
        "seat license licence user",
        "absence leave",
        "position role job",
        "manager supervisor boss",
        "training course",
        "applicant candidate application",
        "office site location branch",
        "part component material",
        "trip ride journey",
        "ticket case issue",
        "payment transaction",
        "usage consumption",
        "complaint claim",
        "nationality country origin",
        "room accommodation",
        "reading measurement",
        "outage disruption interruption",
    )
)

ADDITIVE = word_set("""mrr arr gb storage seats amount revenue sale sales turnover cost expense spend spending quantity unit seat item
    volume payment budget profit loss fee charge tax discount refund click impression order
    income donation sold bought produced scrap output hour minute count number point stock inventory
    invoice bill total subtotal gross net consumption energy kwh mileage weight passenger guest night
    ticket visit session view download freight saving bonus commission""")
INTENSIVE = word_set("""delay price rate age score rating temperature temp speed distance duration time lag
    percent percentage ratio margin length height width depth altitude elevation latitude longitude
    humidity humid pressure visibility visib wind dewpoint dewp level average avg mean index
    salary wage limit capacity year size density frequency gust voltage power tariff""")
"""How to fold many rows into one figure when the question does not say: sum or average."""

BAD_WHEN_HIGH = word_set("""delay cost expense error cancel cancelled cancellation churn complaint defect refund late
    lateness downtime failure fault incident loss wait waiting overdue bounce risk debt absence
    scrap outage accident latency lag bug crash damage fine penalty spend spending price fee
    backlog shortage stockout reject rejected rejection waste leak breach unpaid dropped drop
    mortality death infection readmission bounced unsubscribe attrition turnaround
    claim ticket dispute fraud emission injury rework""")
"""Words of a measure for which a high figure is bad news: `worst` means highest."""
