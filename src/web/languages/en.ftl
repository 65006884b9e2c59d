### What the pages say, in English.

## Around every page
skip = Skip to the content
nav-label = Main
nav-overview = Overview
nav-tokens = Tokens
nav-users = Users
nav-companies = Companies
nav-contexts = Contexts
nav-notices = Notices
nav-history = History
nav-explain = Explain
nav-account = Your account
nav-account-of = Account of { $name }
sign-out = Sign out
foot-times = All times are UTC.
look-language = Language
look-theme = Appearance
look-apply = Apply
look-ask = What you typed here will be lost. Change the language anyway?
theme-system = As the system
theme-light = Light
theme-dark = Dark
crumbs = Where you are
pages-label = Pages
pages-first = First page
pages-next = Next page
pages-newest = Newest
pages-older = Older
optional = (optional)
choose = Choose…
cancel = Cancel
save = Save changes
reason = Reason
reason-help = Stays in the history, for whoever asks later.
none = none
always = at any time
removed = removed
changed = changed
nothing = not set
hidden = hidden
by = by { $name }
copy = Copy
copied = Copied
copy-failed = Copying failed; the text is selected now
actor-machine = command line on the server
actor-system = Tollgate

## Times
when-now = now
when-ago-year = { $count } years ago
when-ago-month = { $count } months ago
when-ago-day = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
when-ago-hour = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
when-ago-minute = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
when-in-year = in { $count } years
when-in-month = in { $count } months
when-in-day = { $count ->
    [one] in { $count } day
   *[other] in { $count } days
}
when-in-hour = { $count ->
    [one] in { $count } hour
   *[other] in { $count } hours
}
when-in-minute = { $count ->
    [one] in { $count } minute
   *[other] in { $count } minutes
}

## States
state-pending = Not yet valid
state-active = Active
state-disabled = Paused
state-expired = Expired
state-idle-expired = Expired unused
state-revoked = Revoked
state-blocked = Blocked
state-used-up = Used up
ends-time = by time
ends-idle = by idleness
ends-never = never
ends-over = ended
ends-after-use = or { $name } after the first use of its successor
ends-after-use-now = or with the first use of its successor

## Signing in
sign-in-title = Sign in
sign-in-lead = Where API tokens are handed out and taken back.
sign-in-user = User name
sign-in-password = Password
sign-in-button = Sign in
sign-in-first-summary = First time here?
sign-in-first-help = `tollgate init` made the first administrator and printed the password once. If it is lost, set another one on the server:
sign-in-wrong = Wrong user name or password.
sign-in-wait = { $count ->
    [one] Too many have failed to sign in. Try again in { $count } second.
   *[other] Too many have failed to sign in. Try again in { $count } seconds.
}

## Overview
overview-hello = Hello, { $name }
overview-lead = Your tokens, upcoming ends and the latest events.
overview-counts = Tokens by their state
overview-leaked = { $count ->
    [one] One of your tokens was leaked and ended.
   *[other] { $count } of your tokens were leaked and ended.
}
overview-leaked-help = Whoever reported the secret ended the token with it. Find out where it got out, and make a new token where one is still needed.
overview-soon = Ending in the next two weeks
overview-soon-none = No token ends in the next two weeks.
overview-soon-all = All that end soon
overview-past = Latest events
overview-gateway = Gateway
overview-store = Store
overview-running = Running since
overview-version = Version
store-ready = Ready
store-read-only = Takes no changes
store-broken = Broken
count-active = { $count ->
    [one] active token
   *[other] active tokens
}
count-unused = of them never used
count-paused = paused or blocked
count-over = ended
welcome-title = Three steps to your first token
welcome-one = Create a token
welcome-one-help = Give it a name and an owner, and open only what it needs.
welcome-two = Copy its secret
welcome-two-help = It is shown once. Tollgate keeps only a digest, from which it cannot be recovered.
welcome-three = Send a request
welcome-three-help = A ready curl line stands beside the secret. Here you then see when it was last used.
welcome-button = Create the first token

## Tokens
tokens-title = Tokens
tokens-lead = Expired and revoked tokens stay in the list.
tokens-lead-owner = Tokens of { $name }.
tokens-to-newest = Newest first
tokens-to-oldest = Oldest first
tokens-go-on = No match so far. There are more tokens to search.
tokens-none-fit = No matching tokens
tokens-none-fit-help = Widen the search, or clear the filters.
tokens-caption = Tokens with state, owner, last use and end
tokens-new = New token
tokens-empty-title = No tokens yet
tokens-empty-help = A token lets a program call your APIs, within the limits that you set.
tokens-no-more = There are no further tokens.
tokens-revoke-all = Revoke all matching…
tokens-of-list = List actions
tokens-export-csv = Download as CSV
tokens-export-json = Download as JSON lines
tokens-import = Import…
tokens-leaked = Leaked secrets…
token-name = Name
token-state = State
token-owner = Owner
token-app = Application
token-company = Company
token-description = Description
token-last-use = Last used
token-ends = Ends on
token-begins = Usable from
token-created = Created
token-secret = Secret
token-secret-hidden = never shown again
token-id = Id
token-facts = About this token
token-rights = Permissions
token-contexts = Contexts
token-params = Free parameters
token-flags = Access levels
token-items = Items
token-networks = Networks
token-certificate = Client certificate
never-used = never
all-contexts = General access
context-absent = not configured at present: opens nothing until it is back
all-items = all
anywhere = from anywhere
unlimited = Unlimited
sealed = stored encrypted, never shown
token-used-from = from { $name }
token-edit = Edit
token-edit-title = Change token
token-edit-lead = Changes hold from its next request on. The secret stays the same; owner and company cannot be changed.
token-edit-narrows = Here you can rename it and give it less; only administrators give a token more.
token-disable = Pause
token-enable = Resume
token-revoke = Revoke…
token-explain = Explain a request with this token
token-ended-by = Ended by { $name }
token-disabled-by = Paused by { $name }
token-owner-blocked = The owner { $name } is blocked, so this token does not work.
token-owner-blocked-link = Show the owner
token-company-blocked = The company { $name } is blocked, so this token does not work.
token-company-blocked-link = Show the company
token-windows = Allowed times
token-limits = Limits
token-rotate = Rotate…
token-successor = Replaced by
token-predecessor = Replaces
token-has-successor = This token was rotated: move its clients to the new one before it ends. New token:
token-used-up = This token has reached its total number of uses and no longer works.
token-lacks = Requests through a context that requires a parameter are refused until the token has it. Missing:
limit-left = { $count } left
limit-burst = up to { $count } at once
limit-rate-second = { $count } a second
limit-rate-minute = { $count } a minute
limit-rate-hour = { $count } an hour
limit-quota-hour = { $count } in each hour
limit-quota-day = { $count } in each day
limit-quota-week = { $count } in each week
limit-quota-month = { $count } in each month
limit-uses = { $count } in all
limit-concurrent = { $count } at the same time
day-1 = Mon
day-2 = Tue
day-3 = Wed
day-4 = Thu
day-5 = Fri
day-6 = Sat
day-7 = Sun
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
span-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
span-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
rotate-title = Rotate this token?
rotate-lead = It gets a successor with the same permissions and a secret of its own. For a while both work, so that clients can move without an outage.
rotate-grace = The old secret keeps working for
rotate-grace-help = Never beyond its own end.
rotate-at-once = not at all: it ends at once
rotate-after-use = Once the new one is used, the old one works for
rotate-after-use-help = If this comes sooner.
rotate-not-sooner = as long as said above
rotate-button = Rotate token
revoke-title = Revoke this token?
revoke-lead = Requests with it are refused from this moment on. This cannot be undone.
revoke-button = Revoke for good
bulk-title = Revoke all of these tokens?
bulk-lead = Requests with any matching token that has not ended are refused from this moment on. This cannot be undone.
bulk-count = { $count ->
    [0] There is no token here that you could revoke.
    [one] { $count } token will be revoked.
   *[other] { $count } tokens will be revoked.
}
bulk-not-yours = { $count ->
    [one] { $count } more matches but stays: you may not revoke it.
   *[other] { $count } more match but stay: you may not revoke them.
}
bulk-owners = Whose tokens
bulk-of-others = { $count ->
    [one] and { $count } of others
   *[other] and { $count } of others
}
bulk-first = The oldest of them
bulk-button = { $count ->
    [one] Revoke { $count } token for good
   *[other] Revoke { $count } tokens for good
}
bulk-revoked = { $count ->
    [one] { $count } token is revoked.
   *[other] { $count } tokens are revoked.
}
bulk-left = { $count ->
    [one] { $count } is left.
   *[other] { $count } are left.
}
bulk-go-on = Go on

## Tokens from elsewhere
import-title = Import tokens
import-lead = Bring in tokens of another system, by their secrets or SHA-256 digests. First you see a preview of each line; nothing is written before you confirm.
import-file = File
import-file-help = CSV with column names in the first line, or one JSON object per line. At most { $count } lines.
import-taken = The file was read into the field below.
import-large = This file is too large for the page. Use `tollgate token import`, which takes files of any length.
import-text = File content
import-text-help = Columns: owner, name, secret or digest; also app, description, company, expires_at, flags, contexts and more, as in a list that was downloaded. It is not shown again.
import-owners = Create missing users
import-owners-help = Without a password and without roles. Otherwise their lines are refused.
import-try = Preview
import-tried = Preview, line by line
import-tried-lead = Nothing is written yet. The file is kept for ten minutes.
import-done = Import result
import-done-lead = Refused lines can be corrected and imported again; existing tokens stay as they are.
import-would = { $count ->
    [0] No line would be imported.
    [one] { $count } line would be imported.
   *[other] { $count } lines would be imported.
}
import-good = { $count ->
    [0] No token is imported.
    [one] { $count } token is imported.
   *[other] { $count } tokens are imported.
}
import-refused = { $count ->
    [one] { $count } line is refused.
   *[other] { $count } lines are refused.
}
import-not-tried = { $count ->
    [one] { $count } line was not processed.
   *[other] { $count } lines were not processed.
}
import-others = { $count ->
    [one] { $count } more line is not shown.
   *[other] { $count } more lines are not shown.
}
import-button = { $count ->
    [one] Import { $count } line
   *[other] Import { $count } lines
}
import-other = Another file
import-caption = Lines and their outcome
import-line = Line
import-outcome = Outcome
import-why = Token or problem
import-word-would = ready
import-word-good = imported
import-word-refused = refused
import-word-not-tried = not processed

## Secrets found in the open
leaks-title = Revoke leaked tokens
leaks-lead = Paste secrets that were found in the open. The token of each is revoked at once and permanently, and its owner is told on the first page of this desk.
leaks-secrets = Secrets
leaks-secrets-help = One per line, at most { $count }. They are not shown again, and appear in no history and no log.
leaks-where = Where they were found
leaks-button = Revoke their tokens for good
leaks-try = Preview only
leaks-would-become = Preview
leaks-would-end = { $count ->
    [0] Nothing would be revoked.
    [one] { $count } active token would be revoked. Nothing has happened yet.
   *[other] { $count } active tokens would be revoked. Nothing has happened yet.
}
leaks-became = Result
leaks-ended = { $count ->
    [0] No token had to be revoked.
    [one] { $count } token is revoked. Its owner sees it on their first page.
   *[other] { $count } tokens are revoked. Their owners see it on their first page.
}
leaks-caption = Secrets in their order, with the outcome of each
leaks-number = Line
leaks-outcome = Outcome
leaks-token = Token and owner
leak-word-ended = revoked
leak-word-would-end = active
leak-word-was-ended = had already ended
leak-word-unknown = unknown secret
leak-word-repeated = stands there before

## Filters of the list
filter-label = Search tokens
filter-text = Text
filter-text-help = Name, application, description, owner or id
filter-state = State
filter-any-state = Any state
filter-any = any
filter-search = Search
filter-more = More filters
filter-owner = Owner
filter-company = Company
filter-context = Context
filter-name = Name
filter-flags = Access level
filter-hint = Last characters of the secret
filter-created-from = Created from
filter-created-before = Created before
filter-expires-before = Expires before
filter-ends-before = Ends before, by time or unused
filter-last-used-before = Last used before, or never
filter-never-used = Never used
filter-rotated = Replaced
rotated-any = with a successor
rotated-in-use = with a successor, and still used
filter-order = Order
filter-apply = Apply filters
filter-chosen = Active filters
filter-without = Remove the filter “{ $name }”
filter-clear = Clear all
filter-context-general = Tokens with general access are among them: they reach every context.

## A new token
create-title = New token
create-lead = Open only what it needs. Almost everything but its secret can be changed later.
create-what = About the token
create-name-help = A name that you will recognise in a year, such as “Nightly export of orders”.
create-owner-help = The user or service that it acts for.
create-company-help = Left empty: the owner's company.
create-life = Lifetime
create-expiry = Ends
create-days = { $count ->
    [one] after { $count } day
   *[other] after { $count } days
}
create-default = after { $name } (default)
create-date = on a date…
create-never = never
create-expires-on = Date (ends at 00:00 UTC)
create-begins-help = Empty: at once. Date and time in UTC.
create-keep = as it is: { $name }
create-idle = Also ends when unused for
create-idle-help = Each request restarts this period.
create-access = Permissions
create-access-all = General access
create-access-all-help = All contexts, also those that are added later.
create-access-chosen = Chosen contexts
create-access-chosen-help = Only the ones that you tick.
create-param-secret = Stored encrypted and never shown again.
create-param-sealed = A value is stored, encrypted. Leave this empty to keep it.
create-param-away = Remove the stored value
create-param-general = What requests tell the upstreams of these contexts. With general access, none of it is required.
create-flags-help = Tick what its requests need. Without any, it only reaches what requires none.
create-flag-opens = Required by { $name }
create-unlimited = Unlimited
create-unlimited-help = Every access level, and it may manage tokens itself. Hardly any program needs this.
create-items-help = Identifiers, one per line. Empty: all items.
create-params-help = A JSON object, or a list of objects, that upstreams are told as it stands here.
create-networks-help = Such as 192.0.2.0/24, one per line. Empty: from anywhere.
create-certificate-help = The SHA-256 thumbprint of the only client certificate that it works with: 64 hexadecimal digits. Empty: any client.
create-licensee = Only contexts that the company { $name } is licensed for are shown.
create-lowered = Only access levels that { $name } may have are shown.
create-fit-help = Another owner or company?
create-fit = Show contexts that fit
create-bounds = Conditions and limits
create-bounds-help = Items, networks, free parameters, allowed times, rates and quotas. All of them are optional.
create-windows-help = On the ticked days, from and until these times, such as 09:00 and 18:00; 24:00 is the end of the day. An end that is earlier, as from 22:00 until 06:00, is on the day after. Empty: always.
create-windows-away = To remove a time, untick its days and clear both fields.
create-window = Time { $count }
create-from = From
create-until = Until
create-clock = Time zone
create-limits-help = Requests beyond a limit are answered with 429. Empty: no limit.
create-rate = Requests
create-rate-per = in each
create-per-second = second
create-per-minute = minute
create-per-hour = hour
create-burst = At once after a pause
create-limits-quotas-hour = At most per hour
create-limits-quotas-day = At most per day
create-limits-quotas-week = At most per week
create-limits-quotas-month = At most per month
create-limits-uses = At most in total
create-limits-concurrent = At most at the same time
create-button = Create token
secret-title = Your new token
secret-lead = “{ $name }” is ready to use.
secret-heading = Secret
secret-once = Copy it now and keep it safe. It will not be shown again.
secret-before = The old secret ends by itself.
secret-before-link = Previous token
secret-curl = Try it
secret-curl-help = The token gets through at this address; put another in its place to call something else.
secret-curl-none = No rule lets a request with this token through yet.
secret-go-on = Go to the token
secret-gone-title = The secret was shown already
secret-gone-help = It is shown once, and Tollgate cannot find it again. If it is lost, revoke this token and create another.

## Users
users-title = Users
users-lead = People and programs that tokens act for.
users-caption = Users with state, roles and company
users-new = New user
users-empty = There are no further users.
users-search = Search users
users-text-help = Name, user name or e-mail
users-any-kind = People and services
users-any-role = Any role
users-none-fit = No user fits
users-none-fit-help = Other words may find them, or fewer filters.
user-name = Name
user-state = State
user-id = User name
user-id-help = Small letters, digits and . _ - + @, such as alice or alice@example.com. It cannot be changed.
user-email = E-mail
user-company = Company
user-parent = Subordinate to
user-roles = Roles
user-kind = Kind
user-ceiling = Highest access level
user-created = Created
user-facts = About this user
user-tokens = Tokens
user-revoke-all = Revoke all tokens…
user-block = Block
user-unblock = Unblock
user-blocked-by = Blocked by { $name }
user-password = Password
user-password-help = At least 12 characters. Ends all sessions of this user.
user-password-set = Set password
user-has-password = is set
user-no-password = none: nobody can sign in as this user
user-new-lead = A token acts for a user. People can also sign in here, once they have a password.
user-new-service-lead = A service is a program that tokens act for. As a developer you make services that are subordinate to you.
user-new-button = Create user
user-edit-title = Change user
user-edit-lead = Changes hold from the next request of each of their tokens on. Tokens keep the company that they were made for.
user-ceiling-help = The most that any of their tokens may have, and the most that they give to others. Tick what they need.
user-ceiling-chosen = Chosen access levels
user-more-roles = Further roles
user-more-roles-help = Names that your rules ask for, separated by spaces.
user-more-roles-own = You may give those that you have: { $name }.
kind-user = Person
kind-user-help = Somebody who may sign in.
kind-service = Service
kind-service-help = A program, a team or a device.
role-user = User
role-administrator = Administrator
role-company-administrator = Company administrator
role-developer = Developer
role-auditor = Auditor
role-help-administrator = May do everything.
role-help-company-administrator = Users and tokens of their own company.
role-help-developer = Own tokens, and services of their own.
role-help-auditor = Sees everything, changes nothing.
block-title = Block { $name }?
block-lead = All their tokens stop working from the next request on, and they are signed out. Nothing is lost: you can unblock them at any time.
block-count = { $count ->
    [0] No active token stops.
    [one] { $count } active token stops.
   *[other] { $count } active tokens stop.
}
unblock-title = Unblock { $name }?
unblock-lead = Their tokens work again, except those that have ended meanwhile.
unblock-count = { $count ->
    [0] No token starts working again.
    [one] { $count } token works again.
   *[other] { $count } tokens work again.
}

## Companies
companies-title = Companies
companies-lead = Tenants that users and tokens belong to, and their licences.
companies-caption = Companies with state, licensed contexts and date added
companies-new = New company
companies-empty-title = No companies yet
companies-empty-help = Tokens work without one. Add a company to license contexts to it, and to be able to stop all its tokens at once.
companies-own-title = Your company has not been added
companies-own-help = Its users and tokens work all the same. An administrator can add it here.
companies-hidden-title = Companies are not shown to you
companies-hidden-help = Administrators and auditors see them. What your own tokens may do stands on their pages.
company-id = Short name
company-id-help = Small letters, digits and hyphens, such as acme. It cannot be changed.
company-active = Active
company-blocked = Blocked
company-blocked-by = Blocked by { $name }
company-facts = About this company
company-contexts = Licensed contexts
company-contexts-help = All other contexts are closed to its tokens, whatever their own permissions.
company-all-contexts = All contexts
company-created = Added
company-new-lead = Licences apply to all tokens of the company, existing ones included, from the next request on.
company-new-button = Add company
company-unknown = There is no company { $name } here, so nothing limits its licences: every context is open to it. If this is not a typo, go on.
company-unknown-meant = It is not a typo, go on
company-edit-title = Name and licences
company-block-lead = All tokens of this company stop working from the next request on, and its people are signed out and cannot sign in. Nothing is lost: you can unblock it at any time.
company-unblock-lead = Its tokens work again, except those that have ended meanwhile or whose owner is blocked, and its people can sign in again.

## Contexts
contexts-title = Contexts
contexts-lead = Areas that can be opened to a token, as defined in the configuration.
contexts-empty-title = There are no contexts
contexts-empty-help = Tokens work without them. A context in the configuration lets you open one area to a token and not another.
contexts-sample = Example of a context in the configuration
contexts-opens = Opens
contexts-opens-none = no rule requires it
contexts-secret = a secret, stored encrypted
contexts-text = text
contexts-required = required
contexts-header = Sent to the upstream as
contexts-no-header = Not sent to the upstream
contexts-tokens = Active tokens for { $name }

## Notices
notices-title = Notices
notices-lead = Webhooks that are notified of what matters, so that nobody has to keep looking.
notices-empty-title = No webhooks yet
notices-empty-help = Webhooks are set up in the configuration of the gateway:
notices-sample = Example of a webhook in the configuration
notices-caption = Webhooks with their notices, what waits, and the newest delivery
notices-name = Webhook
notices-kinds = Notices
notices-waiting = Waiting
notices-last = Newest delivery
notices-none = nothing sent yet
notices-facts = About this webhook
notices-facts-help = Address, secret and kinds of notices are changed in the configuration.
notices-test = Send a test
notices-failing = No delivery has succeeded since
notices-deliveries = Deliveries
notices-deliveries-caption = Deliveries, newest first
notices-when = When
notices-kind = Notice
notices-outcome = Outcome
notices-answer = Answer
notices-next = Next attempt
notices-no-next = none
notices-nth = attempt { $count }
notices-took = { $count } ms
delivery-delivered = Delivered
delivery-retry = Will be retried
delivery-given-up = Given up
notice-token-expires-soon = Token expires soon
notice-token-idles-out-soon = Token ends unused soon
notice-token-revoked = Token revoked by somebody else
notice-token-leaked = Secret leaked
notice-token-reused = Rotated secret used again
notice-rights-widened = Permissions widened
notice-test = Test

## The reader's account
account-title = Your account
account-password = Change password
account-password-help = At least 12 characters; a sentence is easy to remember. You are signed out everywhere else.
account-password-set = Change password
password-present = Current password
password-new = New password
password-again = New password once more

## History
history-title = History
history-lead = Every change: who made it, when and why. Entries cannot be altered.
history-lead-part = Changes that concern you, your company and those who report to you.
history-lead-token = Events of the token
history-lead-user = Events of
history-lead-company = Events of the company
history-empty = Nothing has happened yet.
history-all = Whole history
history-filter = Search the history
history-kind = What happened
history-kind-any = Anything
kinds-token = All about tokens
kinds-owner = All about users
kinds-company = All about companies
history-by = Done by
history-since = From
history-until = Before
history-of-company = Company
history-of-user = User
history-of-token = Token (id)
history-none-fit = No such event.
history-go-on = No match so far. There is more history to search.
history-search-on = Search older events
event-by = by
event-token = token
event-user = user
event-company = company
event-more = { $count ->
    [one] and { $count } more token
   *[other] and { $count } more tokens
}
event-more-users = { $count ->
    [one] and { $count } more user
   *[other] and { $count } more users
}
event-many = { $count ->
    [one] One act on { $count } token that matched:
   *[other] Part of one act on { $count } tokens that matched:
}
chain-title = Chain of events
chain-head = { $count ->
    [one] { $count } event. Newest hash:
   *[other] { $count } events. Newest hash:
}
chain-check = Check the whole chain
chain-whole = The chain is whole
chain-whole-lead = { $count ->
    [one] { $count } event was checked, and it is unaltered.
   *[other] { $count } events were checked, each against the one before. None is altered or missing.
}
chain-newest = Newest event
chain-number = Number
chain-keep = Keep this number and hash somewhere else: then nobody can cut off the end of the history unnoticed.
chain-broken = The chain is damaged
chain-broken-lead = Each event before the place below was checked and is unaltered. Do not rely on what stands from there on.
chain-broken-place = Where it breaks
chain-broken-file = File
chain-broken-what = What was found
chain-broken-help = Change nothing in this folder, and tell whoever runs the server: tollgate history verify finds the same, and a backup that was taken before can be restored.
event-token-created = Token created
event-token-updated = Token changed
event-token-disabled = Token paused
event-token-enabled = Token resumed
event-token-revoked = Token revoked
event-token-leaked = Token revoked: its secret leaked
event-token-expired = Token expired
event-token-idle-expired = Token expired unused
event-token-first-used = Token used for the first time
event-token-expires-soon = Token will expire soon
event-token-idles-out-soon = Token will end unused soon
event-token-reused = Replaced secret used after its end
event-token-rotated = Token rotated
event-token-retired = Token retired by its successor
event-token-exported = Tokens exported with their hashes
event-owner-created = User created
event-owner-updated = User changed
event-owner-blocked = User blocked
event-owner-unblocked = User unblocked
event-company-created = Company added
event-company-updated = Company changed
event-company-blocked = Company blocked
event-company-unblocked = Company unblocked
event-history-cut = History continued after a loss
event-clock-mark-lowered = Latest known time set back
event-clock-trusted = Clock confirmed as right
field-name = Name
field-app = Application
field-description = Description
field-company = Company
field-expires-at = End
field-not-before = Begin
field-flags = Access levels
field-contexts = Contexts
field-items = Items
field-params = Parameters
field-context-params = Parameters of contexts
field-conditions = Conditions
field-password = Password
field-disabled = Pause
field-blocked = Block
field-email = E-mail
field-parent = Reports to
field-roles = Roles
field-ceiling = Highest access level
field-limits = Limits
field-idle-ttl = Ends unused after
field-kind = Kind
field-ended = Ended
field-rotated-to = Replaced by
field-retire-after-use = Works after the first use of its successor

## Explain
explain-title = Explain a request
explain-lead = See each check that a request would go through, in order. Nothing is sent.
explain-method = Method
explain-url = Address
explain-token = Token id
explain-token-help = From the page of a token.
explain-secret = Or its secret
explain-secret-help = It is not kept.
explain-address = Client address
explain-certificate = Client certificate
explain-certificate-help = As PEM. Whose it is counts as checked; its time is looked at.
explain-button = Explain
explain-permitted = It would be let through
explain-refused = It would be refused
explain-rule = Rule
explain-of-token = Token
outcome-passed = passed
outcome-refused = refused here
outcome-not-reached = not reached
check-method = Method
check-target-length = Length of the address
check-host = Host
check-path = Path
check-route = Route
check-spelling = Unambiguous path
check-preflight = Preflight of a browser
check-certificate = Certificate of the connection
check-clock = Clock
check-credential = Credential
check-digest = Known token
check-not-revoked = Not revoked
check-not-disabled = Not paused
check-owner-not-blocked = Owner not blocked
check-company-not-blocked = Company not blocked
check-active = Already valid
check-not-expired = Not expired
check-not-idle = Not expired unused
check-presenter = Client certificate
check-time = Allowed times
check-address = Network
check-rule = Rule
check-subject = Subject of the certificate
check-roles = Roles
check-company = Company
check-context = Context
check-licence = Licence of the company
check-parameters = Parameters of the context
check-flags = Access levels
check-items = Items
check-limits = Limits
check-identity = What the upstream is told

## What was done
done-token-changed = Saved.
done-token-disabled = The token is paused.
done-token-enabled = The token works again.
done-token-revoked = The token is revoked.
done-tokens-revoked = The tokens are revoked.
done-nothing = There was nothing to change.
done-user-created = The user is created.
done-user-changed = The user is changed.
done-user-left = The user is changed. Some of their tokens still belong to the company of before: look at them, and revoke those that should not.
done-company-created = The company was added.
done-company-changed = The company is changed.
done-company-blocked = The company is blocked. Its tokens have stopped, and its people are signed out.
done-company-unblocked = The company is unblocked.
done-webhook-took = The webhook accepted the test.
done-user-blocked = The user is blocked. Their tokens have stopped.
done-user-unblocked = The user is unblocked.
done-user-password = The password is set.
done-own-password = Your password is changed.
done-signed-out = You have signed out.
done-sign-in-first = Please sign in first.
done-form-kept = You are signed in again, and here is what you typed. Nothing is saved yet; secret values have to be typed again.
done-form-again = You have signed in anew since you opened this form. Nothing is saved yet: look at what you typed, type secret values again, and send it once more.
done-sign-in-kept = Your session has ended, and nothing was saved. Sign in, and the form comes back as you filled it in.
done-sign-in-lost = Your session has ended, and nothing was done. Sign in, and do it again.
done-secret-away = A secret stood in the address of this page and was taken out of it. Search by its last four characters instead, and rotate the token if others can see the history of this browser.
done-secret-found = This is the token of the secret that you searched for.
done-secret-unknown = No token that you can see has this secret. Here are those whose secrets end like it.

## What is wrong
clash-title = Somebody else has changed this meanwhile
clash-help = Nothing of yours is saved yet. Compare both, change what you typed where you have to, and save again.
clash-present = See what is on record (in a new tab)
clash-same = What is on record now is just what you typed.
clash-field = Field
clash-typed = You typed
clash-held = On record now
clash-save = Save over it

wrong-title = Something is not right yet
wrong-name = Give it a name of at most 200 characters, on one line.
wrong-owner = Choose an existing owner, by the user name.
wrong-app = The application has at most 200 characters, on one line.
wrong-company = Choose a company that this owner may act for.
wrong-company-id = A company is named by its short name, such as acme.
wrong-description = The description has at most 2,000 characters.
wrong-secret-here = Take the secret of a token out of this text: it would be kept and shown.
wrong-lifetime = Choose an end in the future.
wrong-idle-ttl = Choose a longer time: it must reach beyond the last use, and no further than you may give.
wrong-expires-at = Choose a date in the future.
wrong-expires-on = Choose the date on which it ends.
wrong-not-before = Choose a beginning that lies before the end.
wrong-filter = Narrow the list first: choose at least one filter.
wrong-filter-text = Search for at most 200 characters, on one line.
wrong-filter-hint = Enter the last four characters of a secret, or fewer.
wrong-filter-choice = Choose one from the list.
wrong-confirm = Look at the preview, and send the form from there.
wrong-text = Choose a file, or paste its content here.
wrong-lines = A page takes 500 lines at the most. Use `tollgate token import` for more.
wrong-columns = The first line must hold names of columns that are known, such as owner,name,secret; JSON must be complete.
wrong-draft = The file is no longer kept. Choose it again.
wrong-draft-secrets = These secrets are no longer kept. Paste them again.
wrong-secrets = Paste at least one secret, and no more than 1,000.
wrong-webhook = The webhook did not accept the test.
wrong-cursor = This page of the list is no longer there. Start again.
wrong-contexts = Choose existing contexts that you may open, and that the company is licensed for.
wrong-context-params = Fill in this parameter with a value that its context takes.
wrong-params = Write a JSON object, or a list of objects, of at most 4,096 bytes.
wrong-flags = Choose access levels that you and the owner have.
wrong-items = Items are identifiers without commas and slashes.
wrong-conditions = Networks look like 192.0.2.0/24 or 192.0.2.7.
wrong-conditions-certificate = A thumbprint has 64 hexadecimal digits.
wrong-grace = Choose how long the old secret works.
wrong-after-use = Choose how long the old secret works after the first use of the new one.
wrong-limits = Limits are whole numbers from 1 on.
wrong-conditions-windows = Choose at least one day, and a beginning and an end that differ, such as 09:00 and 18:00.
wrong-reason = The reason has at most 500 characters, on one line.
wrong-id = Give a user name of small letters, digits and . _ - + @.
wrong-email = This is not an e-mail address.
wrong-parent = Choose an existing user, by the user name.
wrong-roles = Choose roles that you may give.
wrong-ceiling = Choose access levels that you have yourself.
wrong-password = Choose a password of 12 to 200 characters that is not the user name.
wrong-present = This is not your current password.
wrong-again = The two new passwords differ.
wrong-wait = { $count ->
    [one] Too many guesses were wrong. Try again in { $count } second.
   *[other] Too many guesses were wrong. Try again in { $count } seconds.
}
wrong-method = Choose a method.
wrong-url = Give an address such as http://api.example/orders/1.
wrong-token = This is not the id of a token.
wrong-secret = Give the id or the secret, not both.
wrong-address = This is not an IP address.
wrong-kind = Choose what happened from the list.
wrong-subject = Name a token, a user or a company, not several of them.
wrong-by = Enter a user name, or system for the gateway itself.
wrong-since = Enter a date.
wrong-until = Enter a date.

## Problems: what it is, and what to do
problem-bad-field = A value is missing or wrong
problem-not-allowed = More than you may grant
problem-forbidden = You are not allowed to do this
problem-not-found = Not found
problem-exists = This name is taken
problem-ended = This token has ended
problem-rotated = This token has a successor
problem-clock-behind = The clock of the server is behind
problem-other-history = The history does not hold
problem-conflict = Somebody changed it in the meantime
problem-busy = Too many requests at once
problem-too-many-failures = Too many attempts
problem-changed = Somebody changed it in the meantime
problem-not-as-shown = These are not the tokens that were shown
problem-duplicate-secret = Another token has this secret
problem-disk-full = The disk of the server is full
problem-read-only = Changes are not accepted at the moment
problem-locked = The store is in use
problem-damaged = The store is damaged
problem-unavailable = Temporarily unavailable
problem-no-csrf-token = This form has expired
problem-other-origin = This came from another site
problem-bad-request = The request could not be read
help-bad-field = Go back and look at what you entered.
help-not-allowed = Nobody can grant more than they have themselves. Ask an administrator.
help-forbidden = Ask an administrator, if you need it.
help-not-found = It does not exist, or you have no access to it.
help-exists = Choose another one.
help-ended = An end is final. Create a new token instead.
help-rotated = Change the successor instead.
help-clock-behind = Tokens cannot be judged until the clock is set right.
help-other-history = Something was altered or is missing. Tell whoever runs the server, and keep a copy of everything.
help-conflict = Look at its present state, and change it again.
help-busy = Try again in a moment.
help-too-many-failures = Wait a little, and try again.
help-changed = Look at its present state, and change it again.
help-not-as-shown = Look at what matches now, and send the form again.
help-duplicate-secret = Use another one.
help-disk-full = Changes are accepted again once there is room.
help-read-only = Requests are still decided. Try again later, or tell whoever runs the server.
help-locked = Try again in a moment.
help-damaged = Tell whoever runs the server.
help-unavailable = Try again in a moment.
help-no-csrf-token = Nothing was changed. Go back, load the page again, and send it once more.
help-other-origin = Nothing was changed. Open this address yourself.
help-bad-request = Go back and try again.
oops-home = To the overview

## Charts
chart-label = Requests over time; the same numbers stand below as a table
chart-permitted = Permitted
chart-refused = Refused
chart-permitted-n = permitted { $name }
chart-refused-n = refused { $name }
chart-numbers = As numbers
chart-day = Day (UTC)
chart-minute = Minutes ago
usage-title = Requests by day
usage-none = No request with this token in the last 30 days.
usage-days = In the last 30 days
live-title = Requests
live-answered = answered per second
live-refused = refused per second
live-failed = failed per second
live-hour = The last hour, by the minute
live-hour-none = No request in the last hour.
live-reasons = Not let through, by reason
live-reasons-none = Nothing was refused since the gateway started.
live-reason = Reason
live-times = Times
live-upstreams = Upstreams
live-upstream = Upstream
live-standing = State
live-under-way = Under way
live-ejections = Times left out
upstream-up = Gets requests
upstream-returning = Comes back after failures
upstream-left-out = Left out after failures
upstream-down = Health check fails
live-stop = Stop updating
live-go-on = Go on updating
live-now = now
refused-credential-missing = No token was sent
refused-credential-malformed = The credentials cannot be read
refused-credential-in-target = A secret stood in the address
refused-unknown = Unknown token
refused-revoked = Revoked token
refused-disabled = Paused token
refused-owner-blocked = The owner is blocked
refused-company-blocked = The company is blocked
refused-not-yet-active = Not yet valid
refused-expired = Expired token
refused-idle-expired = Not used for too long
refused-wrong-presenter = Presented by another client
refused-certificate-missing = No client certificate was shown
refused-subject-not-allowed = The certificate is of another subject
refused-misdirected = By a connection for another host
refused-address-not-allowed = From an address that is not allowed
refused-time-not-allowed = Outside the allowed times
refused-no-rule = No rule for this path
refused-role-missing = The role is missing
refused-wrong-company = Of another company
refused-context-missing = The context is missing
refused-context-unlicensed = The context is not licensed
refused-parameter-missing = A parameter of the context is missing
refused-flags-missing = An access level is missing
refused-item-not-allowed = Not for this item
refused-limited-rate = Too many in a short time
refused-limited-quota = The quota is used up
refused-limited-uses = All uses are used up
refused-limited-concurrent = Too many at once
refused-too-many-failures = Too many failures from one address
refused-cannot-decide = The gateway could not decide
refused-bad-host = Bad Host field
refused-bad-target = Bad address of the request
refused-bad-dot-segment = Dots in the path
refused-bad-slash = Encoded slash in the path
refused-bad-empty-segment = Empty part of the path
refused-bad-path-parameter = Parameter in the path
refused-bad-encoding = Bad encoding in the path
refused-bad-framing = Unclear length of the body
refused-bad-body = Broken body
refused-bad-method = Method that is not passed on
refused-bad-connection = Bad Connection field
refused-bad-value = Field with a space at its edge
refused-bad-company = Bad company field
refused-bad-head = Head that is no HTTP
refused-origin-not-allowed = Page of an origin that is not allowed
refused-method-not-allowed = Method not allowed here
refused-expectation-failed = Unknown expectation
refused-transfer-coding = Transfer coding that cannot be read
refused-body-timeout = The body came too slowly
refused-body-too-large = The body is too large
refused-target-too-long = The address is too long
refused-head-too-large = The head is too large
refused-overloaded = The gateway was overloaded
refused-upstream-busy = The service had too many requests
refused-upstream-unreachable = The service cannot be reached
refused-upstream-broken = The service broke off
refused-upstream-timeout = The service took too long
