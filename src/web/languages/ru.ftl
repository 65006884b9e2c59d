### Что говорят страницы, по-русски.

## Вокруг каждой страницы
skip = Перейти к содержанию
nav-label = Основное меню
nav-overview = Обзор
nav-tokens = Токены
nav-users = Пользователи
nav-companies = Компании
nav-contexts = Контексты
nav-notices = Уведомления
nav-history = История
nav-explain = Разбор запроса
nav-account = Моя учётная запись
nav-account-of = Учётная запись: { $name }
sign-out = Выйти
foot-times = Всё время указано по UTC.
look-language = Язык
look-theme = Оформление
look-apply = Применить
look-ask = Введённое на этой странице пропадёт. Всё равно сменить язык?
theme-system = Как в системе
theme-light = Светлое
theme-dark = Тёмное
crumbs = Где вы находитесь
pages-label = Страницы списка
pages-first = В начало
pages-next = Дальше
pages-newest = К новым
pages-older = Более ранние
optional = (необязательно)
choose = Выберите…
cancel = Отмена
save = Сохранить
reason = Причина
reason-help = Останется в истории для тех, кто спросит позже.
none = нет
nothing = ничего
hidden = скрыто
by = кем: { $name }
copy = Скопировать
copied = Скопировано
copy-failed = Скопировать не удалось; текст выделен
actor-machine = командная строка сервера
actor-system = Tollgate

## Время
when-now = сейчас
when-ago-year = { $count ->
    [one] { $count } год назад
    [few] { $count } года назад
   *[other] { $count } лет назад
}
when-ago-month = { $count ->
    [one] { $count } месяц назад
    [few] { $count } месяца назад
   *[other] { $count } месяцев назад
}
when-ago-day = { $count ->
    [one] { $count } день назад
    [few] { $count } дня назад
   *[other] { $count } дней назад
}
when-ago-hour = { $count ->
    [one] { $count } час назад
    [few] { $count } часа назад
   *[other] { $count } часов назад
}
when-ago-minute = { $count ->
    [one] { $count } минуту назад
    [few] { $count } минуты назад
   *[other] { $count } минут назад
}
when-in-year = { $count ->
    [one] через { $count } год
    [few] через { $count } года
   *[other] через { $count } лет
}
when-in-month = { $count ->
    [one] через { $count } месяц
    [few] через { $count } месяца
   *[other] через { $count } месяцев
}
when-in-day = { $count ->
    [one] через { $count } день
    [few] через { $count } дня
   *[other] через { $count } дней
}
when-in-hour = { $count ->
    [one] через { $count } час
    [few] через { $count } часа
   *[other] через { $count } часов
}
when-in-minute = { $count ->
    [one] через { $count } минуту
    [few] через { $count } минуты
   *[other] через { $count } минут
}

## Состояния
state-pending = Ещё не начался
state-active = Действует
state-disabled = Приостановлен
state-expired = Истёк
state-idle-expired = Долго не использовался
state-revoked = Отозван
state-blocked = Заблокирован
state-used-up = Исчерпан
ends-time = по сроку
ends-idle = если не использовать
ends-never = никогда
ends-over = закончился

## Вход
sign-in-title = Вход
sign-in-lead = Здесь выдают и отзывают токены для API.
sign-in-user = Имя пользователя
sign-in-password = Пароль
sign-in-button = Войти
sign-in-first-summary = Вы здесь впервые?
sign-in-first-help = Первого администратора создала команда `tollgate init`; его пароль она показала один раз. Если пароль потерян, задайте новый на сервере:
sign-in-wrong = Имя пользователя и пароль не подходят друг к другу.
sign-in-wait = { $count ->
    [one] Слишком много неудачных попыток. Повторите через { $count } секунду.
    [few] Слишком много неудачных попыток. Повторите через { $count } секунды.
   *[other] Слишком много неудачных попыток. Повторите через { $count } секунд.
}

## Обзор
overview-hello = Здравствуйте, { $name }!
overview-lead = Что есть, что скоро закончится и что произошло недавно.
overview-counts = Токены по состоянию
overview-leaked = { $count ->
    [one] { $count } ваш токен утёк и больше не действует.
    [few] { $count } ваших токена утекли и больше не действуют.
   *[other] { $count } ваших токенов утекли и больше не действуют.
}
overview-leaked-help = Токен прекратил действовать, как только поступило сообщение о его секрете. Выясните, где секрет стал известен, и создайте новый токен там, где он ещё нужен.
overview-soon = Закончатся в ближайшие две недели
overview-soon-none = В ближайшие две недели ни один токен не закончится.
overview-soon-all = Все, которые скоро закончатся
overview-past = Последние события
overview-gateway = Шлюз
overview-store = Хранилище
overview-running = Работает с
overview-version = Версия
store-ready = В порядке
store-read-only = Не принимает изменений
store-broken = Неисправно
count-active = { $count ->
    [one] действующий токен
    [few] действующих токена
   *[other] действующих токенов
}
count-unused = из них ещё не использованы
count-paused = приостановлены или заблокированы
count-over = закончились
welcome-title = Три шага до первого токена
welcome-one = Создайте токен
welcome-one-help = Дайте ему название и владельца и откройте только то, что нужно.
welcome-two = Скопируйте секрет
welcome-two-help = Он показывается один раз. Tollgate не хранит ничего, по чему его можно восстановить.
welcome-three = Отправьте запрос
welcome-three-help = Рядом с секретом есть готовая строка curl. Здесь вы потом увидите, когда токен использовали в последний раз.
welcome-button = Создать первый токен

## Токены
tokens-title = Токены
tokens-lead = Закончившиеся токены остаются в списке.
tokens-lead-owner = Токены владельца { $name }.
tokens-to-newest = Сначала новые
tokens-to-oldest = Сначала старые
tokens-go-on = Среди просмотренных токенов подходящих нет. Список продолжается.
tokens-none-fit = Подходящих токенов нет
tokens-none-fit-help = Расширьте поиск или сбросьте фильтры.
tokens-caption = Токены: состояние, владелец, последнее использование и окончание
tokens-new = Новый токен
tokens-empty-title = Токенов пока нет
tokens-empty-help = С токеном программа может обращаться к вашим API — настолько, насколько вы их ей откроете.
tokens-no-more = Больше токенов нет.
tokens-revoke-all = Отозвать все найденные…
tokens-of-list = Действия со списком
tokens-export-csv = Скачать как CSV
tokens-export-json = Скачать как строки JSON
tokens-import = Импорт…
tokens-leaked = Утёкшие секреты…
token-name = Название
token-state = Состояние
token-owner = Владелец
token-app = Приложение
token-company = Компания
token-description = Описание
token-last-use = Последнее использование
token-ends = Закончится
token-begins = Действует с
token-created = Создан
token-secret = Секрет
token-secret-hidden = больше не показывается
token-id = Идентификатор
token-facts = Об этом токене
token-rights = Что ему разрешено
token-contexts = Контексты
token-params = Произвольные параметры
token-flags = Уровни доступа
token-items = Объекты
token-networks = Сети
token-certificate = Клиентский сертификат
never-used = не использовался
all-contexts = Общий доступ
all-items = все
anywhere = откуда угодно
unlimited = Без ограничений
sealed = хранится в зашифрованном виде и не показывается
token-used-from = с адреса { $name }
token-edit = Изменить
token-edit-title = Изменение токена
token-edit-lead = Изменения действуют со следующего запроса. Секрет остаётся прежним; владельца и компанию изменить нельзя.
token-edit-narrows = Здесь можно переименовать его и сузить его права; расширяют права токенов только администраторы.
token-disable = Приостановить
token-enable = Возобновить
token-revoke = Отозвать…
token-explain = Разобрать запрос с этим токеном
token-ended-by = Закончился. Кем: { $name }
token-disabled-by = Приостановлен. Кем: { $name }
token-owner-blocked = Владелец { $name } заблокирован, поэтому токен не работает.
token-owner-blocked-link = Открыть владельца
token-company-blocked = Компания { $name } заблокирована, поэтому токен не работает.
token-company-blocked-link = Открыть компанию
token-windows = Время
token-limits = Ограничения
token-rotate = Заменить…
token-successor = Преемник
token-predecessor = Преемник токена
token-has-successor = Этот токен заменён: переведите клиентов на новый, пока он не закончился.
token-used-up = Токен использован столько раз, сколько можно, поэтому он не работает.
token-lacks = Запросы через контекст, которому нужен параметр, отклоняются, пока у токена его нет. Не хватает:
limit-left = осталось { $count }
limit-burst = сразу до { $count }
limit-rate-second = { $count } в секунду
limit-rate-minute = { $count } в минуту
limit-rate-hour = { $count } в час
limit-quota-hour = { $count } за каждый час
limit-quota-day = { $count } за каждые сутки
limit-quota-week = { $count } за каждую неделю
limit-quota-month = { $count } за каждый месяц
limit-uses = всего { $count }
limit-concurrent = одновременно { $count }
day-1 = пн
day-2 = вт
day-3 = ср
day-4 = чт
day-5 = пт
day-6 = сб
day-7 = вс
span-minutes = { $count ->
    [one] { $count } минута
    [few] { $count } минуты
   *[other] { $count } минут
}
span-seconds = { $count ->
    [one] { $count } секунда
    [few] { $count } секунды
   *[other] { $count } секунд
}
span-hours = { $count ->
    [one] { $count } час
    [few] { $count } часа
   *[other] { $count } часов
}
span-days = { $count ->
    [one] { $count } день
    [few] { $count } дня
   *[other] { $count } дней
}
rotate-title = Заменить этот токен?
rotate-lead = У него появится преемник с теми же правами и своим секретом. Некоторое время работают оба, чтобы перевести клиентов без простоя.
rotate-grace = Сколько ещё работает старый секрет
rotate-grace-help = Не дольше, чем он работал бы и так.
rotate-at-once = нисколько: заканчивается сразу
rotate-after-use = Сколько он работает после первого использования нового
rotate-after-use-help = Если это наступит раньше.
rotate-not-sooner = столько, сколько указано выше
rotate-button = Заменить токен
revoke-title = Отозвать этот токен?
revoke-lead = С этой минуты запросы с ним будут отклоняться. Это навсегда: отозванный токен вернуть нельзя.
revoke-button = Отозвать навсегда
bulk-title = Отозвать все эти токены?
bulk-lead = Запросы со всеми подходящими токенами, которые ещё не закончились, с этой минуты будут отклоняться. Это навсегда: отозванный токен вернуть нельзя.
bulk-count = { $count ->
    [0] Здесь нет токенов, которые вы могли бы отозвать.
    [one] Будет отозван { $count } токен.
    [few] Будут отозваны { $count } токена.
   *[other] Будут отозваны { $count } токенов.
}
bulk-not-yours = { $count ->
    [one] Ещё { $count } подходит, но остаётся: отозвать его вы не можете.
    [few] Ещё { $count } подходят, но остаются: отозвать их вы не можете.
   *[other] Ещё { $count } подходят, но остаются: отозвать их вы не можете.
}
bulk-owners = Чьи это токены
bulk-of-others = и { $count } у других владельцев
bulk-first = Самые старые из них
bulk-button = { $count ->
    [one] Отозвать { $count } токен навсегда
    [few] Отозвать { $count } токена навсегда
   *[other] Отозвать { $count } токенов навсегда
}
bulk-revoked = { $count ->
    [one] Отозван { $count } токен.
    [few] Отозваны { $count } токена.
   *[other] Отозваны { $count } токенов.
}
bulk-left = { $count ->
    [one] Остался { $count }.
    [few] Осталось { $count }.
   *[other] Осталось { $count }.
}
bulk-go-on = Продолжить

## Токены из других систем
import-title = Импорт токенов
import-lead = Переносит токены из другой системы — по секретам или по их хешам SHA-256. Сначала вы увидите, что получится из каждой строки; до этого ничего не записывается.
import-file = Файл
import-file-help = CSV с названиями столбцов в первой строке или JSON с объектом в каждой строке. Не больше { $count } строк.
import-taken = Текст файла стоит ниже.
import-large = Для страницы этот файл слишком велик. Команда `tollgate token import` принимает файлы любой длины.
import-text = Текст файла
import-text-help = Столбцы: owner, name, secret или digest; а также app, description, company, expires_at, flags, contexts и другие, как в скачанном списке. Повторно он не показывается.
import-owners = Создать недостающих пользователей
import-owners-help = Без пароля и без ролей. Иначе их строки будут отклонены.
import-try = Посмотреть, что получится
import-tried = Что получится из каждой строки
import-tried-lead = Пока ничего не записано. Файл хранится десять минут.
import-done = Что получилось из каждой строки
import-done-lead = Отклонённые строки можно исправить и импортировать снова; уже созданные токены останутся как есть.
import-would = { $count ->
    [0] Ни одна строка не будет импортирована.
    [one] Будет импортирована { $count } строка.
    [few] Будут импортированы { $count } строки.
   *[other] Будет импортировано { $count } строк.
}
import-good = { $count ->
    [0] Ни один токен не импортирован.
    [one] Импортирован { $count } токен.
    [few] Импортированы { $count } токена.
   *[other] Импортировано { $count } токенов.
}
import-refused = { $count ->
    [one] Отклонена { $count } строка.
    [few] Отклонены { $count } строки.
   *[other] Отклонено { $count } строк.
}
import-not-tried = { $count ->
    [one] До { $count } строки дело не дошло.
   *[other] До { $count } строк дело не дошло.
}
import-others = { $count ->
    [one] Ещё { $count } строка не показана.
    [few] Ещё { $count } строки не показаны.
   *[other] Ещё { $count } строк не показано.
}
import-button = { $count ->
    [one] Импортировать { $count } строку
    [few] Импортировать { $count } строки
   *[other] Импортировать { $count } строк
}
import-other = Другой файл
import-caption = Строки и что из них получилось
import-line = Строка
import-outcome = Итог
import-why = Токен или причина отказа
import-word-would = годится
import-word-good = импортирована
import-word-refused = отклонена
import-word-not-tried = не дошла очередь

## Секреты, найденные в открытом доступе
leaks-title = Прекратить утёкшие токены
leaks-lead = Вставьте секреты, найденные там, где их быть не должно. Если секрет принадлежит здешнему токену, тот сразу и навсегда прекращается, а его владелец об этом узнаёт.
leaks-secrets = Секреты
leaks-secrets-help = По одному в строке, не больше { $count }. Они больше не показываются и не попадают ни в историю, ни в журналы.
leaks-where = Где их нашли
leaks-button = Прекратить их токены навсегда
leaks-try = Только посмотреть, что прекратится
leaks-would-become = Что с ними станет
leaks-would-end = { $count ->
    [0] Прекращать нечего.
    [one] Прекратится { $count } токен. Пока ничего не сделано.
    [few] Прекратятся { $count } токена. Пока ничего не сделано.
   *[other] Прекратится { $count } токенов. Пока ничего не сделано.
}
leaks-became = Что с ними стало
leaks-ended = { $count ->
    [0] Прекращать было нечего.
    [one] Прекращён { $count } токен, владелец об этом узнает.
    [few] Прекращены { $count } токена, владельцы об этом узнают.
   *[other] Прекращено { $count } токенов, владельцы об этом узнают.
}
leaks-caption = Секреты по порядку и что с ними стало
leaks-number = Номер
leaks-outcome = Итог
leaks-token = Токен и владелец
leak-word-ended = прекращён
leak-word-would-end = токен действует
leak-word-was-ended = закончился раньше
leak-word-unknown = здесь такого токена нет

## Фильтры списка
filter-label = Поиск токенов
filter-text = Текст
filter-text-help = Название, приложение, описание, владелец или ID
filter-state = Состояние
filter-any-state = Любое состояние
filter-any = любой
filter-search = Найти
filter-more = Другие фильтры
filter-owner = Владелец
filter-company = Компания
filter-context = Контекст
filter-flags = Уровень доступа
filter-hint = Последние знаки секрета
filter-created-from = Создан начиная с
filter-created-before = Создан до
filter-expires-before = Срок истекает (или истёк) до
filter-ends-before = Закончится до, в том числе без использования
filter-last-used-before = Не использовался с
filter-never-used = Ни разу не использовался
filter-rotated = Заменённые
rotated-any = есть новый токен
rotated-in-use = есть новый токен, но старый ещё используют
filter-order = Порядок
filter-apply = Применить фильтры
filter-chosen = Заданные фильтры
filter-without = Убрать фильтр «{ $name }»
filter-clear = Сбросить все

## Новый токен
create-title = Новый токен
create-lead = Откройте только то, что нужно. Почти всё, кроме секрета, можно изменить позже.
create-what = Что это за токен
create-name-help = По какому названию вы узнаете его через год? Например, «Ночная выгрузка заказов».
create-owner-help = Пользователь или служба, от имени которых он действует.
create-company-help = Если не указать, будет компания владельца.
create-life = Сколько он действует
create-expiry = Закончится
create-days = { $count ->
    [one] через { $count } день
    [few] через { $count } дня
   *[other] через { $count } дней
}
create-default = через { $name } (по умолчанию)
create-date = в указанный день…
create-never = никогда
create-expires-on = Дата (закончится с её началом, UTC)
create-keep = как сейчас: { $name }
create-idle = Закончится и без использования в течение
create-idle-help = Каждый запрос отодвигает это окончание.
create-access = Что ему разрешено
create-access-all = Общий доступ
create-access-all-help = Все контексты, в том числе те, что появятся позже.
create-access-chosen = Выбранные контексты
create-access-chosen-help = Только отмеченные.
create-param-secret = Хранится в зашифрованном виде и больше не показывается.
create-param-sealed = Значение уже хранится в зашифрованном виде. Оставьте поле пустым, чтобы его сохранить.
create-param-away = Удалить сохранённое значение
create-param-general = Что запросы сообщают вышестоящим серверам этих контекстов. При общем доступе заполнять это необязательно.
create-flags-help = Отметьте то, что нужно его запросам. Без уровней доступно лишь то, что их не требует.
create-flag-opens = Требуется для { $name }
create-unlimited = Без ограничений
create-unlimited-help = Все уровни доступа и право самому управлять токенами. Программам это почти никогда не нужно.
create-items-help = Идентификаторы, по одному в строке. Пусто — все объекты.
create-params-help = JSON-объект или список объектов; вышестоящие серверы получают его в том виде, в каком он записан здесь.
create-networks-help = Например, 192.0.2.0/24, по одной в строке. Пусто — откуда угодно.
create-certificate-help = Отпечаток SHA-256 единственного сертификата, с которым токен работает: 64 шестнадцатеричные цифры. Пусто — любой клиент.
create-licensee = Показаны только контексты, на которые у компании { $name } есть лицензия.
create-lowered = Показаны только уровни доступа, которые могут быть у { $name }.
create-fit-help = Другой владелец или компания?
create-fit = Показать доступные контексты
create-bounds = Условия и ограничения
create-bounds-help = Объекты, сети, произвольные параметры, время недели, частота и квоты. Без них токен ограничен только своими правами.
create-windows-help = В отмеченные дни, с этого времени и до этого, например с 09:00 до 18:00; 24:00 — конец суток. Если конец раньше начала, как с 22:00 до 06:00, он приходится на следующий день. Пусто — всегда.
create-windows-away = Чтобы убрать время, снимите отметки с дней и очистите оба поля.
create-window = Время { $count }
create-from = С
create-until = До
create-clock = Часовой пояс
create-limits-help = Запросы сверх ограничения получают ответ 429. Пусто — без ограничения.
create-rate = Запросов
create-rate-per = За какое время
create-per-second = за секунду
create-per-minute = за минуту
create-per-hour = за час
create-burst = Сразу после паузы
create-limits-quotas-hour = Не больше за час
create-limits-quotas-day = Не больше за сутки
create-limits-quotas-week = Не больше за неделю
create-limits-quotas-month = Не больше за месяц
create-limits-uses = Не больше всего
create-limits-concurrent = Не больше одновременно
create-button = Создать токен
secret-title = Ваш новый токен
secret-lead = Токен «{ $name }» готов к работе.
secret-heading = Секрет
secret-once = Скопируйте его сейчас и сохраните в надёжном месте. Больше он не будет показан.
secret-before = Старый секрет закончится сам.
secret-before-link = Прежний токен
secret-curl = Попробуйте
secret-curl-help = Замените последнюю часть адресом, к которому хотите обратиться.
secret-go-on = Перейти к токену
secret-gone-title = Секрет уже был показан
secret-gone-help = Он показывается один раз, и восстановить его Tollgate не может. Если он потерян, отзовите этот токен и создайте другой.

## Пользователи
users-title = Пользователи
users-lead = Люди и программы, от имени которых действуют токены.
users-caption = Пользователи: состояние, роли и компания
users-new = Новый пользователь
users-empty = Больше пользователей нет.
users-search = Поиск пользователей
users-text-help = Имя, логин или почта
users-any-kind = Люди и службы
users-any-role = Любая роль
users-none-fit = Никто не найден
users-none-fit-help = Попробуйте другие слова или меньше фильтров.
user-name = Имя
user-state = Состояние
user-id = Имя пользователя
user-id-help = Строчные латинские буквы, цифры и . _ - + @, например alice или alice@example.com. Изменить его нельзя.
user-email = Электронная почта
user-company = Компания
user-parent = Подчиняется
user-roles = Роли
user-kind = Вид
user-ceiling = Наибольший уровень доступа
user-created = Создан
user-facts = О пользователе
user-tokens = Токены
user-revoke-all = Отозвать все токены…
user-block = Заблокировать
user-unblock = Разблокировать
user-blocked-by = Заблокирован. Кем: { $name }
user-password = Пароль
user-password-help = Не меньше 12 знаков. Все сеансы этого пользователя завершатся.
user-password-set = Задать пароль
user-new-lead = Токен действует от имени пользователя. Люди могут и входить сюда, когда у них есть пароль.
user-new-service-lead = Сервис — это программа, от имени которой действуют токены. Как разработчик вы создаёте сервисы, подчинённые вам.
user-new-button = Создать пользователя
user-edit-title = Изменение пользователя
user-edit-lead = Изменения действуют со следующего запроса каждого токена. Токены остаются в той компании, для которой созданы.
user-ceiling-help = Больше этого не может быть ни у одного токена пользователя, и больше этого он не даёт другим. Отметьте то, что нужно.
user-ceiling-chosen = Выбранные уровни доступа
user-more-roles = Другие роли
user-more-roles-help = Названия, которых требуют ваши правила, через пробел.
user-more-roles-own = Можно дать те, что есть у вас: { $name }.
kind-user = Человек
kind-user-help = Может входить сюда.
kind-service = Служба
kind-service-help = Программа, группа или устройство.
role-user = Пользователь
role-administrator = Администратор
role-company-administrator = Администратор компании
role-developer = Разработчик
role-auditor = Аудитор
role-help-administrator = Может всё.
role-help-company-administrator = Пользователи и токены своей компании.
role-help-developer = Свои токены и свои службы.
role-help-auditor = Видит всё, ничего не меняет.
block-title = Заблокировать { $name }?
block-lead = Все токены остановятся со следующего запроса, а сеансы завершатся. Ничего не пропадёт: разблокировать можно в любое время.
block-count = { $count ->
    [0] Действующих токенов нет.
    [one] Остановится { $count } действующий токен.
    [few] Остановятся { $count } действующих токена.
   *[other] Остановятся { $count } действующих токенов.
}
unblock-title = Разблокировать { $name }?
unblock-lead = Токены снова заработают, если за это время не закончились.
unblock-count = { $count ->
    [0] Токенов, которые заработают, нет.
    [one] Заработает { $count } токен.
    [few] Заработают { $count } токена.
   *[other] Заработают { $count } токенов.
}

## Компании
companies-title = Компании
companies-lead = Кому принадлежат владельцы и токены и на что у них есть лицензии.
companies-caption = Компании: состояние, лицензии на контексты и время внесения
companies-new = Новая компания
companies-empty-title = В реестре нет компаний
companies-empty-help = Токены работают и без них. Внесите компанию, чтобы выдать ей лицензии на контексты и при необходимости остановить сразу все её токены.
companies-own-title = Вашей компании нет в реестре
companies-own-help = Её пользователи и токены работают и без этого. Внести её сюда может администратор.
companies-hidden-title = Компании вам не показываются
companies-hidden-help = Их видят администраторы и аудиторы. Что разрешено вашим токенам, написано на их страницах.
company-id = Краткое название
company-id-help = Строчные латинские буквы, цифры и дефисы, например acme. Изменить его нельзя.
company-active = Действует
company-blocked = Заблокирована
company-blocked-by = Заблокирована. Кем: { $name }
company-facts = О компании
company-contexts = Лицензии на контексты
company-contexts-help = Остальные контексты закрыты для всех её токенов, что бы ни было разрешено им самим.
company-all-contexts = Все контексты
company-created = В реестре с
company-new-lead = Лицензии компании действуют для всех её токенов, в том числе уже выданных, со следующего запроса.
company-new-button = Внести в реестр
company-unknown = Компания { $name } не внесена в реестр, поэтому ей открыто всё. Если это не опечатка, продолжайте.
company-unknown-meant = Всё верно, продолжить
company-edit-title = Название и лицензии
company-block-lead = Все токены этой компании остановятся со следующего запроса, сеансы её сотрудников завершатся, и войти они не смогут. Ничего не пропадёт: разблокировать можно в любое время.
company-unblock-lead = Токены компании снова заработают, если за это время не закончились и их владелец не заблокирован, а её сотрудники снова смогут войти.

## Контексты
contexts-title = Контексты
contexts-lead = Области, которые можно открыть токену; они заданы в конфигурации.
contexts-empty-title = Контекстов нет
contexts-empty-help = Токены работают и без них. Контекст в конфигурации позволяет открыть токену одну область и не открывать другую.
contexts-sample = Пример контекста в конфигурации
contexts-opens = Открывает
contexts-opens-none = ни одно правило его не требует
contexts-secret = секрет, хранится в зашифрованном виде
contexts-text = текст
contexts-required = обязательно
contexts-header = Вышестоящий сервер получает его в поле
contexts-no-header = Вышестоящему серверу не передаётся
contexts-tokens = Действующие токены с контекстом «{ $name }»

## Уведомления
notices-title = Уведомления
notices-lead = Вебхуки, которым сообщают о том, что важно знать, не заглядывая сюда.
notices-empty-title = Пока никому ничего не сообщают
notices-empty-help = Вебхуки задаются в конфигурации шлюза:
notices-sample = Пример вебхука в конфигурации
notices-caption = Вебхуки: о чём им сообщают, что ждёт отправки и последняя доставка
notices-name = Вебхук
notices-kinds = О чём сообщают
notices-waiting = Ждёт отправки
notices-last = Последняя доставка
notices-none = пока ничего не отправлено
notices-facts = О вебхуке
notices-facts-help = Адрес, секрет и виды уведомлений меняются в конфигурации.
notices-test = Отправить проверку
notices-failing = Ничего не принято с
notices-deliveries = Доставки
notices-deliveries-caption = Доставки, сначала новые
notices-when = Когда
notices-kind = Уведомление
notices-outcome = Итог
notices-answer = Ответ
notices-next = Следующая попытка
notices-nth = попытка { $count }
notices-took = { $count } мс
delivery-delivered = Принято
delivery-retry = Повторяется
delivery-given-up = Попытки прекращены
notice-token-expires-soon = Срок токена скоро истечёт
notice-token-idles-out-soon = Токен скоро закончится без использования
notice-token-revoked = Токен отозван не владельцем
notice-token-leaked = Секрет утёк
notice-token-reused = Снова использован заменённый секрет
notice-rights-widened = Права расширены
notice-test = Проверка

## Учётная запись читателя
account-title = Моя учётная запись
account-password = Смена пароля
account-password-help = Не меньше 12 знаков; предложение легко запомнить. На всех других устройствах сеансы завершатся.
account-password-set = Сменить пароль
password-present = Нынешний пароль
password-new = Новый пароль
password-again = Новый пароль ещё раз

## История
history-title = История
history-lead = Каждое изменение: кто его сделал и почему. Исправить здесь ничего нельзя.
history-lead-token = События токена
history-lead-user = События пользователя
history-lead-company = События компании
history-empty = Пока ничего не произошло.
history-all = Вся история
history-filter = Поиск в истории
history-kind = Что произошло
history-kind-any = Что угодно
kinds-token = Всё о токенах
kinds-owner = Всё о пользователях
kinds-company = Всё о компаниях
history-by = Кто сделал
history-since = Начиная с
history-until = До
history-none-fit = Таких событий нет.
history-go-on = Среди просмотренных событий подходящих нет. История продолжается.
event-by = кем:
event-token = токен
event-user = пользователь
event-company = компания
chain-title = Цепочка событий
chain-head = { $count ->
    [one] { $count } событие. Хеш последнего:
    [few] { $count } события. Хеш последнего:
   *[other] { $count } событий. Хеш последнего:
}
chain-check = Проверить всю цепочку
chain-whole = Цепочка цела
chain-whole-lead = { $count ->
    [one] Проверено { $count } событие, оно не изменено.
    [few] Проверено { $count } события, каждое по предыдущему. Ничего не изменено и не пропало.
   *[other] Проверено { $count } событий, каждое по предыдущему. Ничего не изменено и не пропало.
}
chain-newest = Последнее событие
chain-number = Номер
chain-keep = Сохраните этот номер и хеш в другом месте: тогда никто не сможет незаметно отрезать конец истории.
event-token-created = Токен создан
event-token-updated = Токен изменён
event-token-disabled = Токен приостановлен
event-token-enabled = Токен возобновлён
event-token-revoked = Токен отозван
event-token-leaked = Токен прекращён: секрет утёк
event-token-expired = Срок токена истёк
event-token-idle-expired = Токен закончился без использования
event-token-first-used = Токен использован впервые
event-token-expires-soon = Срок токена скоро истечёт
event-token-idles-out-soon = Токен скоро закончится без использования
event-token-reused = Использован заменённый секрет после его окончания
event-token-rotated = Токену дан преемник
event-token-retired = Токен уступил место преемнику
event-owner-created = Пользователь создан
event-owner-updated = Пользователь изменён
event-owner-blocked = Пользователь заблокирован
event-owner-unblocked = Пользователь разблокирован
event-company-created = Компания внесена в реестр
event-company-updated = Компания изменена
event-company-blocked = Компания заблокирована
event-company-unblocked = Компания разблокирована
event-history-cut = История продолжена после потери
event-clock-mark-lowered = Последнее известное время сдвинуто назад
event-clock-trusted = Часы признаны верными
field-name = Название
field-app = Приложение
field-description = Описание
field-company = Компания
field-expires-at = Окончание
field-not-before = Начало
field-flags = Уровни доступа
field-contexts = Контексты
field-items = Объекты
field-params = Параметры
field-context-params = Параметры контекстов
field-conditions = Условия
field-password = Пароль
field-disabled = Приостановка
field-blocked = Блокировка
field-email = Электронная почта
field-parent = Подчинение
field-roles = Роли
field-ceiling = Наибольший уровень доступа
field-limits = Ограничения
field-idle-ttl = Срок без использования

## Разбор запроса
explain-title = Разбор запроса
explain-lead = Все проверки, которые ждут запрос, по порядку. Ничего не отправляется.
explain-method = Метод
explain-url = Адрес
explain-token = Идентификатор токена
explain-token-help = Он есть на странице токена.
explain-secret = Или его секрет
explain-secret-help = Он не сохраняется.
explain-address = Адрес клиента
explain-button = Разобрать
explain-permitted = Запрос прошёл бы
explain-refused = Запрос был бы отклонён
explain-rule = Правило
explain-of-token = Токен
outcome-passed = пройдено
outcome-refused = отклонено здесь
outcome-not-reached = до этого не дошло
check-method = Метод
check-target-length = Длина адреса
check-host = Узел
check-path = Путь
check-route = Маршрут
check-spelling = Написание
check-clock = Часы
check-credential = Учётные данные
check-digest = Токен известен
check-not-revoked = Не отозван
check-not-disabled = Не приостановлен
check-owner-not-blocked = Владелец не заблокирован
check-company-not-blocked = Компания не заблокирована
check-active = Уже начался
check-not-expired = Не истёк
check-not-idle = Использовался не слишком давно
check-presenter = Сертификат клиента
check-time = Время недели
check-address = Сеть
check-rule = Правило
check-roles = Роли
check-company = Компания
check-context = Контекст
check-licence = Лицензия компании
check-parameters = Параметры контекста
check-flags = Уровни доступа
check-items = Объекты
check-limits = Ограничения
check-identity = Что узнаёт вышестоящий сервер

## Что сделано
done-token-changed = Сохранено.
done-token-disabled = Токен приостановлен.
done-token-enabled = Токен снова работает.
done-token-revoked = Токен отозван.
done-tokens-revoked = Токены отозваны.
done-nothing = Менять было нечего.
done-user-created = Пользователь создан.
done-user-changed = Пользователь изменён.
done-user-left = Пользователь изменён. Часть его токенов всё ещё относится к прежней компании: просмотрите их и отзовите лишние.
done-company-created = Компания внесена в реестр.
done-company-changed = Компания изменена.
done-company-blocked = Компания заблокирована. Её токены остановлены, сеансы её сотрудников завершены.
done-company-unblocked = Компания разблокирована.
done-webhook-took = Вебхук принял проверку.
done-user-blocked = Пользователь заблокирован. Его токены остановлены.
done-user-unblocked = Пользователь разблокирован.
done-user-password = Пароль задан.
done-own-password = Ваш пароль изменён.
done-signed-out = Вы вышли.
done-sign-in-first = Сначала войдите.
done-form-kept = Вы снова вошли. Вот то, что вы ввели: пока ничего не сохранено, секретные значения нужно ввести заново.
done-form-again = После открытия этой формы вы вошли заново. Пока ничего не сохранено: проверьте введённое, снова введите секретные значения и отправьте форму ещё раз.
done-sign-in-kept = Сеанс закончился, ничего не сохранено. Войдите, и форма вернётся такой, какой вы её заполнили.
done-sign-in-lost = Сеанс закончился, ничего не сделано. Войдите и повторите действие.
done-secret-away = В адресе страницы был секрет — он оттуда убран. Ищите по четырём последним знакам секрета, а если историю этого браузера видят другие, замените токен.
done-secret-found = Это токен, секрет которого вы искали.
done-secret-unknown = Среди доступных вам токенов нет токена с таким секретом. Показаны те, у которых секрет заканчивается так же.

## Что не так
clash-title = Тем временем запись изменил кто-то другой
clash-help = Ваши изменения пока не сохранены. Сравните значения, исправьте введённое, если нужно, и сохраните ещё раз.
clash-present = Посмотреть текущую запись (в новой вкладке)
clash-same = Сейчас там уже именно то, что ввели вы.
clash-field = Поле
clash-typed = Вы ввели
clash-held = Сейчас в записи
clash-save = Сохранить поверх

wrong-title = Кое-что нужно исправить
wrong-name = Дайте название не длиннее 200 знаков в одну строку.
wrong-owner = Укажите имя существующего владельца.
wrong-app = Приложение — не длиннее 200 знаков в одну строку.
wrong-company = Укажите компанию, за которую владелец может действовать.
wrong-description = Описание — не длиннее 2000 знаков.
wrong-lifetime = Выберите окончание, которое ещё впереди.
wrong-idle-ttl = Выберите срок, который ещё не прошёл с последнего использования и не больше того, что вы можете дать.
wrong-expires-at = Выберите дату, которая ещё впереди.
wrong-expires-on = Выберите день, когда токен закончится.
wrong-filter = Сначала сузьте список: задайте хотя бы один фильтр.
wrong-confirm = Посмотрите, что показано, и отправьте форму оттуда.
wrong-text = Выберите файл или вставьте сюда его текст.
wrong-lines = Страница принимает не больше 500 строк. Для больших файлов есть команда `tollgate token import`.
wrong-columns = В первой строке должны стоять названия существующих столбцов, например owner,name,secret; JSON должен быть полным.
wrong-draft = Файл больше не хранится. Выберите его снова.
wrong-draft-secrets = Секреты больше не хранятся. Вставьте их снова.
wrong-secrets = Вставьте хотя бы один секрет, но не больше 1000.
wrong-webhook = Вебхук не принял проверку.
wrong-cursor = Этой страницы списка больше нет. Начните сначала.
wrong-contexts = Выберите контексты, которые есть, которые вы можете открыть и на которые у компании есть лицензия.
wrong-context-params = Заполните этот параметр значением, которое допускает контекст.
wrong-params = Введите JSON-объект или список объектов, не более 4096 байт.
wrong-flags = Выберите уровни доступа, которые есть у вас и у владельца.
wrong-items = Объекты — это идентификаторы без запятых и косых черт.
wrong-conditions = Сети выглядят так: 192.0.2.0/24 или 192.0.2.7.
wrong-conditions-certificate = Отпечаток состоит из 64 шестнадцатеричных цифр.
wrong-grace = Выберите, сколько ещё работает старый секрет.
wrong-after-use = Выберите, сколько старый секрет работает после первого использования нового.
wrong-limits = Ограничения — целые числа от 1.
wrong-conditions-windows = Выберите хотя бы один день и укажите разное время начала и конца, например 09:00 и 18:00.
wrong-reason = Причина — не длиннее 500 знаков в одну строку.
wrong-id = Имя пользователя — строчные латинские буквы, цифры и . _ - + @.
wrong-email = Это не адрес электронной почты.
wrong-parent = Укажите имя существующего пользователя.
wrong-roles = Выберите роли, которые вы можете дать.
wrong-ceiling = Выберите уровни доступа, которые есть у вас.
wrong-password = Выберите пароль от 12 до 200 знаков, который не повторяет имя пользователя.
wrong-present = Это не ваш нынешний пароль.
wrong-again = Два новых пароля различаются.
wrong-wait = { $count ->
    [one] Пароль слишком много раз введён неверно. Повторите через { $count } секунду.
    [few] Пароль слишком много раз введён неверно. Повторите через { $count } секунды.
   *[other] Пароль слишком много раз введён неверно. Повторите через { $count } секунд.
}
wrong-method = Выберите метод.
wrong-url = Укажите адрес, например http://api.example/orders/1.
wrong-token = Это не идентификатор токена.
wrong-secret = Укажите идентификатор или секрет, но не оба сразу.
wrong-address = Это не IP-адрес.
wrong-kind = Выберите событие из списка.
wrong-by = Укажите имя пользователя или system — сам шлюз.
wrong-since = Укажите дату.
wrong-until = Укажите дату.

## Неполадки: в чём дело и что делать
problem-bad-field = Какого-то значения нет, или оно неверно
problem-not-allowed = Больше, чем можно дать
problem-forbidden = Этого вы делать не можете
problem-not-found = Здесь ничего нет
problem-exists = Это имя занято
problem-ended = Этот токен закончился
problem-rotated = У этого токена есть преемник
problem-clock-behind = Часы сервера отстают
problem-other-history = История не сходится
problem-conflict = Тем временем это изменил кто-то другой
problem-not-as-shown = Это не те токены, которые были показаны
problem-duplicate-secret = Такой секрет есть у другого токена
problem-disk-full = На диске сервера нет места
problem-read-only = Изменения сейчас не принимаются
problem-locked = Хранилище занято
problem-damaged = Хранилище повреждено
problem-unavailable = Не сейчас
problem-no-csrf-token = Эта форма устарела
problem-other-origin = Запрос пришёл с другого сайта
problem-bad-request = Это не удаётся прочитать
help-bad-field = Вернитесь и посмотрите, что вы ввели.
help-not-allowed = Никто не выдаёт больше, чем имеет сам. Обратитесь к администратору.
help-forbidden = Если это вам нужно, обратитесь к администратору.
help-not-found = Этого никогда не было, или вам этого не видно.
help-exists = Выберите другое.
help-ended = Это окончательно. Создайте новый токен.
help-rotated = Меняйте преемника.
help-clock-behind = Пока часы не выставлены верно, судить о токенах нельзя.
help-other-history = Что-то изменено или пропало. Сообщите тому, кто отвечает за сервер, и сохраните копию всего.
help-conflict = Посмотрите, что получилось, и измените ещё раз.
help-not-as-shown = Посмотрите, что подходит теперь, и отправьте форму ещё раз.
help-duplicate-secret = Возьмите другой.
help-disk-full = Изменения снова будут приниматься, когда появится место.
help-read-only = Запросы по-прежнему проверяются. Повторите позже или сообщите тому, кто отвечает за сервер.
help-locked = Повторите чуть позже.
help-damaged = Сообщите тому, кто отвечает за сервер.
help-unavailable = Повторите чуть позже.
help-no-csrf-token = Ничего не изменилось. Вернитесь, обновите страницу и отправьте форму ещё раз.
help-other-origin = Ничего не изменилось. Откройте этот адрес сами.
help-bad-request = Вернитесь и попробуйте ещё раз.
oops-home = К обзору

## Графики
chart-label = Запросы во времени; те же числа приведены ниже в таблице
chart-permitted = Пропущено
chart-refused = Отклонено
chart-permitted-n = пропущено { $name }
chart-refused-n = отклонено { $name }
chart-numbers = В числах
chart-day = День (UTC)
chart-minute = Минут назад
usage-title = Запросы по дням
usage-none = За последние 30 дней запросов с этим токеном не было.
usage-days = За последние 30 дней
live-title = Запросы
live-answered = обслужено в секунду
live-refused = отклонено в секунду
live-failed = с ошибкой в секунду
live-hour = Последний час по минутам
live-hour-none = За последний час запросов не было.
live-reasons = Не пропущено, по причинам
live-reasons-none = С момента запуска шлюза ничего не отклонено.
live-reason = Причина
live-times = Сколько раз
live-stop = Не обновлять
live-go-on = Обновлять дальше
live-now = сейчас
refused-credential-missing = Токен не передан
refused-credential-malformed = Данные для входа не удаётся прочитать
refused-credential-in-target = Секрет оказался в адресе запроса
refused-unknown = Неизвестный токен
refused-revoked = Отозванный токен
refused-disabled = Приостановленный токен
refused-owner-blocked = Владелец заблокирован
refused-company-blocked = Компания заблокирована
refused-not-yet-active = Срок действия ещё не начался
refused-expired = Истёкший токен
refused-idle-expired = Слишком долго не использовался
refused-wrong-presenter = Предъявлен другим клиентом
refused-address-not-allowed = С неразрешённого адреса
refused-time-not-allowed = Вне разрешённого времени
refused-no-rule = Для этого пути нет правила
refused-role-missing = Нет нужной роли
refused-wrong-company = Другой компании
refused-context-missing = Нет нужного контекста
refused-context-unlicensed = Контекст не входит в лицензию
refused-parameter-missing = Не хватает параметра контекста
refused-flags-missing = Не хватает уровня доступа
refused-item-not-allowed = Нет доступа к этому объекту
refused-limited-rate = Слишком часто
refused-limited-quota = Квота исчерпана
refused-limited-uses = Все использования исчерпаны
refused-limited-concurrent = Слишком много одновременно
refused-cannot-decide = Шлюз не смог принять решение
refused-bad-host = Неверное поле Host
refused-bad-target = Неверный адрес запроса
refused-bad-dot-segment = Точки в пути
refused-bad-slash = Закодированная косая черта в пути
refused-bad-empty-segment = Пустая часть пути
refused-bad-path-parameter = Параметр в пути
refused-bad-encoding = Неверная кодировка в пути
refused-bad-framing = Неясная длина тела запроса
refused-bad-body = Повреждённое тело запроса
refused-bad-method = Метод, который не пропускается
refused-bad-connection = Неверное поле Connection
refused-bad-company = Неверное поле компании
refused-bad-head = Заголовок запроса — не HTTP
refused-method-not-allowed = Метод здесь не разрешён
refused-expectation-failed = Неизвестное ожидание (Expect)
refused-body-timeout = Тело запроса шло слишком медленно
refused-body-too-large = Слишком большое тело запроса
refused-target-too-long = Слишком длинный адрес
refused-head-too-large = Слишком большой заголовок запроса
refused-overloaded = Шлюз был перегружен
refused-upstream-unreachable = Сервис недоступен
refused-upstream-broken = Сервис прервал ответ
refused-upstream-timeout = Сервис отвечал слишком долго
