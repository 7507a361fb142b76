"""Words that shape a question without naming anything of the data: closed classes, English only."""

from __future__ import annotations

from aiser_app.domain.semantic_query import TimePart
from aiser_app.planner.words import word_set


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in text.split("|"))


_CUES = {
    "share": """share of|share|shares of|percentage of|percentage|percent of|proportion of|proportion
        |fraction of|fraction|portion of|% of|how much of|what part of|percentages of|pct of
        |how many percent of|shares""",
    "percent": """in percent|as percent|percent|%|as a percentage|as percentage|as a percent|in %|pct
        |in percentages|how many percent|what percent""",
    "rate": "rate|rates|rate of",
    "ratio": "ratio of|ratio between|the ratio|ratio|ratios",
    "over": """divided by|relative to|as a share of|as a percentage of|as a percent of|as percentage of
        |as a fraction of|as a proportion of|in relation to|as % of|as percent of|in proportion to""",
    "difference": "difference between|difference in|difference|gap between|delta between",
    "more": """how many more|how much more|how many fewer|how much less|how much higher|how much lower
        |how much longer|how much larger|how many less""",
    "minus": "minus|net of|less the|reduced by",
    "growth": """grow|grew|grown|growth|growth rate|increase|increased|change|changed|changes|decline
        |declined|rise|rose|risen|fall|fell|drop|dropped|decrease|decreased|growing|growth of""",
    "previous": """month over month|month on month|mom|year over year|year on year|yoy|week over week
        |quarter over quarter|qoq|wow|period over period|day over day|quarter on quarter
        |compared to the previous month|compared with the previous month|versus the previous month
        |vs previous month|compared to the month before|from month to month|from year to year
        |compared to the previous year|compared with the previous year|from one month to the next
        |from quarter to quarter|against the previous month|vs the previous month""",
    "compare": """compare|compared with|compared to|versus|vs|against|comparison of|comparison between
        |as opposed to|comparing|compared|comparison""",
    "without": """without|without any|with no|has no|have no|had no|lacking|no|none|not a single
        |with zero|have zero|without a|not any|do not have any|does not have any|did not have any
        |don not have any|lack|without a single|with neither|not have any|not had any|have not any""",
    "never": "never|never ever|not once|not ever|never been|not yet|not yet been|nobody has|nobody|no one|nobody ever",
    "any": "at least one|any|some|one or more|at least once|at least a|a single",
    "both": "both",
    "either": "either",
    "neither": "neither",
    "same": "the same|same|equal to their|identical",
    "output": """together with|along with|next to|with their|with its|with his|showing|show me also
        |with the corresponding|and their|and its|return|side by side with|plus their|plus the
        |with the respective|each with|together with their|along with their|as well as|with the""",
    "running": "running total of|running total|cumulative|cumulated|running sum of|running sum|cumulatively|accumulated",
    "moving": "moving average of|moving average|rolling average of|rolling average",
    "rank": "rank of|rank",
    "above_average": """above average|above the average|more than the average|higher than average
        |more than average|higher than the average|over the average|larger than average
        |longer than average|above the overall average|greater than the average|exceeding the average
        |longer than the average|bigger than average|more expensive than the average|above-average
        |above its average|more expensive than average|greater than average""",
    "below_average": """below average|below the average|less than the average|lower than average
        |lower than the average|under the average|less than average|shorter than average
        |cheaper than average|cheaper than the average|below the overall average|smaller than average""",
    "punctual": "on time|late|overdue|past due|early|on schedule|behind schedule|too late|days late|punctually|with delay|in time",
    "still": """still open|still active|still trading|still there|still running|still with us
        |still available|still in service|still in use|still valid|still live|still in the range
        |that are open|currently open|currently active|still working|still on sale|active ones|still around|in operation""",
    "current": """current|currently|present|right now|at the moment|at present|as of today|today's|nowadays
        |still employed|still here|people still here""",
    "null": """missing|unknown|empty|blank|not known|not set|not recorded|not available|null|unassigned
        |not specified|unspecified|not assigned|no known|not filled|not filled in|not provided|undefined""",
    "known": "known|not null|not missing|not empty|recorded|on file|is set|filled in|given|available",
    "later": "later than|after|more recently than",
    "earlier": "earlier than|before|sooner than",
    "more_than": "more than|higher than|greater than|larger than|exceeds|exceed|exceeded|above|over|bigger than",
    "less_than": "less than|lower than|smaller than|below|under|short of",
    "relative": "who|that|which|whose|where|when",
    "every_period": "overall",
    "how_long": "how long",
    "how_old": "how old|age of|age|ages",
    "how_often": "how often|how many times|how frequently",
    "how_money": """how much money|how much did we take|how much did we make|how much did we earn
        |how much have we earned|how much have we made|how much did we bring in|how much money did we make""",
    "first_last": "first|last|latest|earliest|most recent|oldest|newest",
    "starting": """starting with|starts with|start with|beginning with|begins with|begin with
        |that start with|named like""",
    "ending": "ending with|ends with|ending in|ends in|end in|end with|that end in",
    "containing": """containing|contains|contain|with the word|that contain|includes the word|that includes
        |mentioning|mentions|mention|that mention|matching""",
    "median": "median",
    "bucket": "buckets of|bands of|steps of|bins of|ranges of|in buckets of|brackets of",
    "aside": "aside|excluded|left out|not included|disregarded|not counted|excepted",
    "future": "will|forecast|predict|prediction|next year|next month|next quarter|next week|going to|projected",
    "reason": "why|explain|reason for|reasons for|because|how come|what causes|what drives|impact of|affects|affect",
    "correlation": "correlation|correlate|correlated|relationship between|correlation between|related to",
}  # fmt: skip
CUE_PHRASES: dict[tuple[str, ...], str] = {
    phrase: name for name, text in _CUES.items() for phrase in _phrases(text) if phrase
}

ADJECTIVES: dict[str, tuple[str, str]] = {
    # words: (direction, what is compared)
    "dearest": ("high", "price"), "most expensive": ("high", "price"), "priciest": ("high", "price"),
    "costliest": ("high", "price"), "cheapest": ("low", "price"), "least expensive": ("low", "price"),
    "most costly": ("high", "price"), "oldest": ("low", "time"), "newest": ("high", "time"),
    "latest": ("high", "time"), "earliest": ("low", "time"), "most recent": ("high", "time"),
    "youngest": ("high", "time"), "most recently": ("high", "time"), "heaviest": ("high", "weight"),
    "lightest": ("low", "weight"), "busiest": ("high", "count"), "most popular": ("high", "count"),
    "least popular": ("low", "count"), "most frequent": ("high", "count"),
    "most common": ("high", "count"), "least common": ("low", "count"), "rarest": ("low", "count"),
    "most frequently": ("high", "count"), "most often": ("high", "count"),
    "most used": ("high", "count"), "least used": ("low", "count"), "most active": ("high", "count"),
    "best selling": ("high", "quantity"), "bestselling": ("high", "quantity"),
    "best sold": ("high", "quantity"), "most sold": ("high", "quantity"),
    "top selling": ("high", "quantity"), "worst selling": ("low", "quantity"),
    "fastest": ("low", "duration"), "quickest": ("low", "duration"), "slowest": ("high", "duration"),
    "longest": ("high", "duration"), "shortest": ("low", "duration"),
    "largest": ("high", "size"), "biggest": ("high", "size"), "smallest": ("low", "size"),
    "greatest": ("high", "size"), "highest": ("high", "size"), "lowest": ("low", "size"),
    "best paid": ("high", "salary"), "highest paid": ("high", "salary"),
    "lowest paid": ("low", "salary"), "best earning": ("high", "money"),
    "most valuable": ("high", "money"), "most profitable": ("high", "profit"),
    "farthest": ("high", "distance"), "furthest": ("high", "distance"), "last": ("high", "time"),
    "first": ("low", "time"), "tallest": ("high", "height"), "hottest": ("high", "temperature"),
    "coldest": ("low", "temperature"), "highest grossing": ("high", "money"),
    "top grossing": ("high", "money"),
}  # fmt: skip
"""Superlatives with the kind of figure that they compare."""

PARTS: dict[str, TimePart] = {
    "weekday": TimePart.WEEKDAY, "day of the week": TimePart.WEEKDAY, "day of week": TimePart.WEEKDAY,
    "weekdays": TimePart.WEEKDAY, "days of the week": TimePart.WEEKDAY,
    "hour of the day": TimePart.HOUR_OF_DAY, "hour of day": TimePart.HOUR_OF_DAY,
    "time of day": TimePart.HOUR_OF_DAY, "hours of the day": TimePart.HOUR_OF_DAY,
    "month of the year": TimePart.MONTH_OF_YEAR, "calendar month": TimePart.MONTH_OF_YEAR,
    "quarter of the year": TimePart.QUARTER_OF_YEAR, "day of the month": TimePart.DAY_OF_MONTH,
    "day of month": TimePart.DAY_OF_MONTH,
}  # fmt: skip
WEEKDAYS: dict[str, tuple[str, ...]] = {
    name: (str(n + 1),)
    for n, day in enumerate(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
    for name in (day, f"{day}s")
} | dict.fromkeys(
    ("weekend", "weekends", "at weekends", "at the weekend", "on weekends", "on the weekend"), ("6", "7")
) | dict.fromkeys(("working days", "workdays", "on workdays"), ("1", "2", "3", "4", "5"))  # fmt: skip

FILLERS = frozenset(
    word_set("""a an the of in on at for to from with by is are was were be been being do does did
    has have had having there it its their our my me we us i you your this these those what whom
    how much give show list find get tell display see can could would like want need know let as
    than then only just into if all per here s am also so visualize plot chart graph draw table named
    called during within through respective respectively pls plz please currently overall altogether
    got gets placed made registered happened occurred taken take took total exactly ever still
    already actually really simply straight each every line one number numbers figure figures
    information details overview report summary broken out individual single separately
    across among between via under over per about around roughly approximately
    people    everybody everyone they them he she his her
    whole entire period history time until now today's data base based upon onto off up down
    out done run given used using use make makes making put keep kept come comes came going go
    went goes look looking looked want wants interested question answer company business
    dataset database system records entries rows count counts amount amounts value values
    level levels type types kind kinds category group names ids respective both two pair side
    order ordered term terms basis regarding concerning considering  too very
         own different various certain
     place main current present recent ago back since once again together
      include   counted regardless irrespective whether
      but yet while whereas i.e. ie eg etc ok okay hi hello thanks thank
    separate distinct unique absolute absolut plain raw exact overall general
    should must may might shall will be able possible available existing
    attributed assigned belonging belong belongs related linked associated connected
    happen occur occurs exist exists occurring
    split breakdown sorted ranked descending ascending needed required asked
    moment enough alone anything everything    event events case cases instance instances occurrence occurrences person persons
    new newly field version versions catalogue catalog assortment portfolio
    places place sites site going road lineup roster fleet lately overall-wise far e i g dont etc so-called namely ourselves itself
    themselves exactly please single ones both simple often time times""")
)
"""Words that may stand anywhere   nothing; they lose against every meaning in the data."""

NEUTRAL = word_set("""place placed got received recorded handled processed carried generated brought achieved
    entered issued created logged captured reported submitted booked performed conducted executed
    produced obtained collected worked lasted suffered saw seen seeing reached reach earned
    belonging contained contain attached stood stand sitting lying held hold holding owned own
    involved involving covers covered counts counted totalled totaled totaling amounted charged charge
    bought buy buying purchased purchase sold sell selling spent spend ordered paid pay served serve
    delivered shipped sent send hired joined used using attended visited live living based located
    working employed offered offer provided provide ran operated ended started began took
    filed raised opened assigned registered signed written wrote wrote redeemed went gone arrived
    attributed come coming coming caused due typed typical typically usually normally mostly
    mainly exactly precisely truly genuinely honestly basically
    contribute contributed contributes accounted account accounts represent represents make up
    found run built kept led held met fell rose grew spent cost won lost drew
    took gave gone seen known shown told felt broke chose drove rode rang sang sat stood taught
    thought threw understood woke wore finish finishing exceed exceeds generate generates bring brings get getting having remain remaining left
    book booking driven drive burnt burned burn flown drawn driving earning claimed based going carried
    boarded hold held happen order orders supply supplied media rank ranked sort order list listed appear appears appeared feature featured""")
"""Verbs that tie phrases together: unlinked they cost little, because the nouns beside them decide."""
