"""Common verbs that tie the nouns of a question together without adding a condition."""

from __future__ import annotations

from functools import lru_cache

from aiser_app.planner.words import root, word_set

_VERBS = word_set("""accept accrue achieve acquire act add address administer affect allocate allot amount announce
    appear apply appoint arrange ask assemble assign assist attach attain attend attract average bear begin belong
    bill bind borrow bring build buy calculate call care carry catch cause charge check choose claim clear clock
    collect combine come commission communicate compile complete comprise conduct connect consist constitute consume
    contact contain contribute cost count cover create deal declare deliver depart deposit derive describe design
    detect determine develop direct discover dispatch display distribute divide do draw drive drop earn employ
    enable encounter end engage enjoy enrol enroll enter equip establish evaluate exceed execute exist expect
    experience export extend face fall feature feed fetch file fill finance find finish fit fly follow form found
    fulfil fulfill gain gather generate get give go grow handle hand happen have head hear help hire hit hold host
    house identify implement import incur indicate inform initiate install interact introduce invest invoice involve
    issue join keep know lead lend let lie list live load locate log look make manage manufacture mark match measure
    meet mention move name need note observe obtain occur offer operate order organise organize originate own park
    participate pass pay perform pick place plan play possess post prepare present process procure produce program
    provide publish pull purchase push put raise reach read realise realize receive record redeem refer regard
    register relate release rely remain rent repair report represent request require reserve reside result run say
    scan schedule see sell send serve service set share ship shoot show sign sit spend staff stand start stay stem
    stock store strike submit supply support surround take talk teach tell test think touch track trade train
    transact transport travel treat trigger turn undergo upload use utilise utilize view visit wait want watch wear
    weigh win work write yield""")
_IRREGULAR = word_set("""began begun belonged bore borne bought brought built came caught chose chosen clocked cost dealt
    did done drawn drew driven drove earned fed fell fallen felt flew flown found fought gave given gone got gotten
    had heard held hit kept knew known laid lay led left lent let lost made meant met paid put ran read rode ridden
    rose said sat saw seen sent set shown sold sought spent spoke spoken stood stuck struck taken taught thought told
    took understood went wore worn wrote written burnt""")
_ROOTS = frozenset(root(v) or v for v in _VERBS)
_NOUNS = ("ee", "ees", "ers", "ors", "ions", "ments", "er", "or", "ion", "ment")
_ENDINGS = ("ed", "ing", "es", "s", "e")


@lru_cache(maxsize=20_000)
def is_neutral_verb(word: str) -> bool:
    if word in _VERBS or word in _IRREGULAR:
        return True
    if word.endswith(_NOUNS) or len(word) < 4:
        return False
    return word.endswith(_ENDINGS) and root(word) in _ROOTS
