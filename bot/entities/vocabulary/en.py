"""English words, with the spellings of text messages."""

GUARDED = """
a all an as at come dec dice do for has in mar me more no of on once pan real sat so son sun ten
to van
"""

WORDS = """
number 0: zero
number 1: one
number 2: two, couple, couple of, a couple, a couple of, cpl
number 3: three
number 4: four
number 5: five
number 6: six
number 7: seven
number 8: eight
number 9: nine
number 10: ten
number 11: eleven
number 12: twelve, dozen, a dozen
number 13: thirteen
number 14: fourteen
number 15: fifteen
number 16: sixteen
number 17: seventeen
number 18: eighteen
number 19: nineteen
number 20: twenty
number 30: thirty
number 40: forty, fourty
number 50: fifty
number 60: sixty
number 70: seventy
number 80: eighty
number 90: ninety, ninty
scale 100: hundred, hundo, hunnid
scale 1000: thousand, thou
article: a, an
and: and, n, &
few: few, a few, several, some, many, hundreds, thousands, couple few, bunch of
half: half, haf, 1/2
share 1/2: other half, half of it, half of that, half the balance, half of the balance,
    half the amount, half of the amount, half of what i owe, half what i owe, half the payment,
    half of the payment, half the debt, half the total, half the bill, half of my balance,
    half my balance, half of the loan, half of this, half the loan, half of the total,
    half of the debt
share 1/3: a third, one third
share 2/3: two thirds, 2 thirds
share 1/4: a quarter, one quarter, a fourth, one fourth
share 3/4: three quarters, 3 quarters, three fourths
share 1/5: a fifth, one fifth
share 2/5: two fifths
share 3/5: three fifths
share 4/5: four fifths
share 1/10: a tenth, one tenth
all: full amount, full balance, whole amount, whole balance, whole thing, entire balance,
    entire amount, entire thing, total balance, total amount, all of it, it all, everything i owe,
    all i owe, all that i owe, whole lot, the lot, full amt, whole debt, entire debt, whole bill,
    full bill, full sum, whole sum, full total, whole loan, entire loan, full loan
all_weak: all, everything, full, evrything
word: tax refund, tax return, tax check, tax money, at all, after all, all good, all right, all day,
    all the time, all my, all i, all week, all month, all night, all over, all these, all those,
    all your, all of you, you all, thats all, that's all, that is all, once and for all,
    first of all, all of a sudden, all of your, all of my, all this, all the, half an hour,
    half hour, half day, half a day, half my, half past, half off, half of my, half of your,
    half your, half the time, half brother, half asleep, is that all, is it all, 1st of all,
    7 - eleven, 7 eleven, bill pay, how are you today, how are you doing today, doing today,
    are you today, i make, making, happy friday, happy monday, merry christmas, merry xmas,
    happy new year, make sure, is it due, is it due on, when is it due, when is this due
percent: %, percent, per cent, pct
of_it: of it, of what i owe, of the balance, of the amount, of the debt, of that, of my balance,
    of the total, of the bill, of the loan, of my debt, of the payment, of my loan,
    of the full amount
currency: $, us $, hk $, nt $, a $, ca $, c $, usd, dollar, dollars, dollers, bucks, buck, bux,
    quid, pound, pounds, gbp, £, €, ¥, euro, euros, eur, hkd, rmb, cny, yuan, ntd, twd, mxn, cad,
    aud, sgd, us dollars, dolla, dollas, jpy
pay: ill pay, ill send, pay, paying, send, sending, give, put, do, afford, settle, transfer, cover,
    py, manage, throw, drop, venmo, zelle, wire, deposit, accept, take, start with, begin with,
    offer, settle for, swing, contribute, how about, what about, make it, part with, spare,
    payment of, handle, hows, clear, repay, pay off, pay down, pay back, scrape together,
    come up with, put down, chip in, put toward, put towards, wat about, remit, make a payment,
    make a payment of, pay it off, charge, get you, payoff, pay up, set up, meet, bring, arrange
cue: have, have got, i got, got like, only, just, about, at least, up to, at most, maybe, like,
    roughly, approximately, exactly, owe, say, with, probably, minimum of, max of, almost, nearly,
    be, is, it's, its, make
tail: saved, saved up, up front, upfront, down, cash, ish, tops, to start, instead, is all i have,
    is all i got, is all i can, available, is what i have, max, to my name, on hand, would work,
    work, works, is fine, is ok, enough, or so, at a time, towards, toward, maximum, minimum,
    total, for, as, if, so, via, bc, cuz, because, using, then, right, possible, cool, for my,
    good, less, in hand, in cash, without fail, monthly, weekly, biweekly
paid: paid, payed, i sent, already, transferred, was charged, sent, charged, made, deducted, took,
    taken, cleared, debited, mailed, wired, deposited, posted
lost: lost, was, were, got, told, said, called, happened, died, been, havent, haven't, hasnt,
    hasn't, laid off, fired, borrowed, received, went, had, filed, started, hurt, texted, broke,
    stopped, spoke, talked, expired, bounced, passed, messaged, emailed, promised, agreed, did,
    came, missed, opened, cancelled, canceled, let me go, left, came out, gave, cashed, went out,
    took out, went through, settled
will: will, i'll, we'll, gonna, going to, gna, can, could, might, want, wanna, would, get paid,
    gets paid, getting paid, be paid, am paid, im paid, i'm paid, plan to, planning, promise,
    hope, hoping, should, shall, need, get, getting, have to, able to, when, let me, lemme,
    payday, pay day, paycheck, goin to, promise to, ill have, able,
    ive been paid, i've been paid, is paid, are paid
will when: when i, when my, when im, when i'm, once im paid, once paid, once i, once my,
    as soon as i, as soon as my, soon as i, soon as my
not: not, cant, can't, cannot, can not, dont, don't, do not, wont, won't, will not, didnt, didn't,
    never, couldnt, couldn't, unable to, doesnt, doesn't, aint, wouldnt, wouldn't, isnt, isn't,
    ain't, cnt
until: until, till, til, untill, untl, on or before, no later than
rest: rest, remaining, remainder, other part, then another
from: from, instead of, rather than, was due, due date is, is due, its due, it's due, due, due on,
    due by, due date
ok: ok, okay, k, kk, yes, yeah, yep, yup, ya, sure, please, pls, plz, thanks, thx, ty, thank you,
    hi, hello, hey, great, fine, hmm, um, uh, oh, alright, sir, maam, bro, dude, lol, well,
    i think, i guess, kindly, then please, would be good, sounds good, no problem, no worries,
    no prob, np, for sure, no doubt, thanks a million
asking: how much, how many, why, how much is, hw much
stop: but, although, though, however, btw
day 0: today, tonight, this evening, this afternoon, tonite, 2nite, tday, todya, toady,
    end of day, end of the day, eod, later today, tdy
day 1: tomorrow, tmrw, tmr, tmw, tomorow, tommorow, tommorrow, tomorrw, tomorro, tomoro, 2 moro,
    2 morrow, 2 mrw, tmoro, tmorrow, tomm, tomarrow, tomarow, tmro, tmrow, tommorw, tomrw,
    tomrrow, tomorrows, tomorrow's, tomrow, tmmrw, tmmr, 2 moz
day 2: day after tomorrow, day after tmrw, day after tmr, overmorrow, day after tomorow
day month end: eom, month end, months end, month's end, end of month, end of the month,
    end of this month, end of da month, end of mth, last day of the month
day month start: first of the month, 1st of the month, 1st of next month, first of next month,
    start of next month, first day of next month
day year end: end of the year, end of year, end of this year, year end, eoy
vague: yesterday, yday, ystrday, this morning, last night, the other day, one day, some day,
    someday, these days, day to day, day by day, any day, any day now, black friday, cyber monday,
    good friday, a minute, a moment, a second, a sec, one second, one moment, one sec, for now,
    until now, till now, by now, up to now, from now on, now and then, just now,
    every now and then, one time, a day late, one of, no one, which one, that one, this one,
    at once, last one, the one, a year ago, a month ago, a week ago, a lot, a bit, a little,
    a while, one more time, the first time, the second time, the third time, first time,
    second time, once a week, once a day, once a month, twice a day, twice a week, a few more,
    first place, second thought, second job, second chance, day one, end of the week, end of week,
    nine to five, 9 to 5, first thing, second hand, mondays, tuesdays, wednesdays, thursdays,
    fridays, saturdays, sundays
now: now, right now, rn, right away, immediately, straight away, this minute
weekday 0: monday, mon, munday, moday, mnday, monady
weekday 1: tuesday, tue, tues, tuseday, tusday, teusday, tuesdy
weekday 2: wednesday, wed, weds, wensday, wednesdy, wendsday, wedensday, wednsday
weekday 3: thursday, thu, thur, thurs, thrusday, thurday, thursdy, thirsday
weekday 4: friday, fri, firday, fridy, friady, frday, fryday, frida, firdy, fridat
weekday 5: saturday, sat, saterday, satuday, satruday, saturdy
weekday 6: sunday, sun, sunady, sundy, suday
month 1: january, jan, janurary, janaury
month 2: february, feb, febuary, febrary
month 3: march, mar
month 4: april, apr
month 5: may
month 6: june, jun
month 7: july, jul
month 8: august, aug
month 9: september, sep, sept, setember
month 10: october, oct
month 11: november, nov, novemeber
month 12: december, dec, decemeber
holiday 12-25: christmas, xmas, christmas day
holiday 12-24: christmas eve, xmas eve
holiday 1-1: new years, new year's, new years day, new year's day
holiday 12-31: new years eve, new year's eve
next 1: next, nxt, nex, following, nect
coming: coming, upcoming
this: this, ths
last: last, past, previous, prior
end: end of, end of the, last day of, last day of the, close of
before: earlier than, before, b4
in: into, in, within, in about, in like, in another, in just, in around, after, in maybe,
    in less than, in under, in exactly
later: from now, later, from today, frm now, hence, after today
the: the, of, th, da, of the
on: on, around, abt, by
pronoun: i, me, my, we, you, u, it, im, i'm, he, she, they, us, our, your, ur, them, that, he is,
    she is, i am, hes, shes, he's, she's
unit 1: day, days, dys, dayz
unit 7: week, weeks, wk, wks, weks, weeek, wek, weeke
unit 14: fortnight, fortnights
unit 30: month, months, mth, mths, mnth, mnths, moth, mos
unit 365: year, years, yr, yrs
hour: hour, hours, hr, hrs, h
more: more, additional, other, further, whole, business, working, calendar, straight, consecutive,
    solid, entire
ago: ago, late, overdue, behind, old, past due, earlier, in a row
each: every, each, per, every other, evry, every single, a every
grace: extend, extension, postpone, push, delay, wait, grace, give me, allow
part: parts, payments, installments, instalments, pmts, paymnts, chunks, portions, pieces,
    payment, installment, instalment, splits, instalmnts, instllments, equal payments,
    equal parts, pays, equal installments, equal instalments, monthly payments, weekly payments,
    smaller payments, small payments, monthly installments, monthly instalments,
    weekly installments, weekly instalments, separate payments, partial payments,
    biweekly payments, easy payments, different payments, smaller parts, paymts,
    bi weekly payments, smaller chunks, smaller installments, even payments, instalements,
    installements, payment plan, month payment plan, month plan, equal monthly payments,
    equal monthly installments, separate installments
split: split, divide, spread, divided, broken, splitting, chop, dividing, break it, break it up,
    break this, break them, break the
time: times, time, x, texts, calls, messages, text, call, message, msg, msgs, reminder, reminders,
    email, emails, twice, once, thrice
rank 1: first
rank 2: second
rank 3: third
rank 4: fourth
rank 5: fifth
rank 6: sixth
rank 7: seventh
rank 8: eighth
rank 9: ninth
rank 10: tenth
rank 11: eleventh
rank 12: twelfth
rank 13: thirteenth
rank 14: fourteenth
rank 15: fifteenth
rank 16: sixteenth
rank 17: seventeenth
rank 18: eighteenth
rank 19: nineteenth
rank 20: twentieth
rank 21: twenty first
rank 22: twenty second
rank 23: twenty third
rank 24: twenty fourth
rank 25: twenty fifth
rank 26: twenty sixth
rank 27: twenty seventh
rank 28: twenty eighth
rank 29: twenty ninth
rank 30: thirtieth
rank 31: thirty first
choice: option, opt, choice, optoin, optn, number, num, opton, selection, no .
choose: choose, pick, select, go with, i'll take, lets do, let's do, lets go with, let's go with,
    going with, go for, prefer, i choose, i pick, i want, ill take
letter 2: b
letter 3: c
letter 4: d
letter 5: e
id: badge, employee number, loan, contract, account, acct, acc, ref, reference, case, file, id, ssn,
    card, ending, ending in, ending with, ends in, ends with, code, pin, zip, zipcode, apt, suite,
    room, order, invoice, ticket, phone, cell, dob, born, section, line, nr, member, passport,
    license, postcode, post code, building, confirmation, conf, receipt, tracking, policy number,
    chapter, form, route, iban, acount, last 4, last four, call me at, text me at, reach me at,
    my number is, customer, otp, passcode, pass code
hash: #
rate: interest, rate, off, discount, waive, reduce, reduction, apy, intrest, cut, increase, tip,
    penalty, lower, commission, annual, annually, markup, forgive, forgiveness, disability, knock,
    tax, usury, raise, charging
at: at, on hold with, @, at around, at like, at about
clock: oclock, o'clock, am, pm
since: since, class of, in the year, year of, the year
counter: birthday, bday, anniversary, grade, floor, in line, minutes, minute, mins, min, kids,
    children, jobs, people, st, ave, street, avenue, road, rd, blvd, miles, lbs, kg, km, seconds,
    years old, yrs old
no: no, no way, no money, impossible, without
or: or
to: to, through, thru
number 1000: a grand
number 1000000: a million
multiple 1000: grand
multiple 1000000: million
all now: in full, full payment
another: another, anotha, anutha
another 1: one more, an extra, an additional, one extra, 1 more, one additional, one other, extra
"""
