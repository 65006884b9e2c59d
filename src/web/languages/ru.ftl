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
foot-times = Время везде указано по UTC.
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
always = в любое время
removed = удалено
changed = изменено
nothing = не задано
hidden = скрыто
by = автор: { $name }
copy = Скопировать
copied = Скопировано
copy-failed = Скопировать не удалось; текст выделен
actor-machine = администратор сервера (командная строка)
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
state-pending = Ещё не действует
state-active = Действует
state-disabled = Приостановлен
state-expired = Истёк
state-idle-expired = Истёк без использования
state-revoked = Отозван
state-blocked = Заблокирован
state-used-up = Исчерпан
ends-time = по сроку
ends-idle = если не использовать
ends-never = бессрочно
ends-over = завершён
ends-after-use = или когда после первого использования преемника пройдёт { $name }
ends-after-use-now = или с первым использованием преемника

## Вход
sign-in-title = Вход
sign-in-lead = Здесь выдают и отзывают токены для API.
sign-in-user = Имя пользователя
sign-in-password = Пароль
sign-in-button = Войти
sign-in-first-summary = Вы здесь впервые?
sign-in-first-help = Первого администратора создала команда `tollgate init`; его пароль она показала один раз. Если пароль потерян, задайте новый на сервере:
sign-in-wrong = Неверное имя пользователя или пароль.
sign-in-wait = { $count ->
    [one] Слишком много неудачных попыток. Повторите через { $count } секунду.
    [few] Слишком много неудачных попыток. Повторите через { $count } секунды.
   *[other] Слишком много неудачных попыток. Повторите через { $count } секунд.
}

## Обзор
overview-hello = Здравствуйте, { $name }!
overview-lead = Токены, ближайшие сроки и последние события.
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
count-over = истекли или отозваны
welcome-title = Три шага до первого токена
welcome-one = Создайте токен
welcome-one-help = Дайте ему название и владельца и откройте только то, что нужно.
welcome-two = Скопируйте секрет
welcome-two-help = Он показывается один раз. Tollgate хранит только хеш, по которому секрет не восстановить.
welcome-three = Отправьте запрос
welcome-three-help = Рядом с секретом есть готовая строка curl. Здесь вы потом увидите, когда токен использовали в последний раз.
welcome-button = Создать первый токен

## Токены
tokens-title = Токены
tokens-lead = Истёкшие и отозванные токены остаются в списке.
tokens-lead-owner = Токены владельца { $name }.
tokens-to-newest = Сначала новые
tokens-to-oldest = Сначала старые
tokens-go-on = Пока ничего не найдено, но поиск можно продолжить.
tokens-none-fit = Подходящих токенов нет
tokens-none-fit-help = Расширьте поиск или сбросьте фильтры.
tokens-caption = Токены: состояние, владелец, последнее использование и срок действия
tokens-new = Новый токен
tokens-empty-title = Токенов пока нет
tokens-empty-help = Токен позволяет программе обращаться к вашим API в заданных вами пределах.
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
token-ends = Срок действия
token-begins = Действует с
token-created = Создан
token-secret = Секрет
token-secret-hidden = больше не показывается
token-id = Идентификатор
token-facts = Сведения о токене
token-rights = Права доступа
token-contexts = Контексты
token-params = Произвольные параметры
token-flags = Уровни доступа
token-items = Объекты
token-networks = Сети
token-certificate = Клиентский сертификат
never-used = не использовался
all-contexts = Общий доступ
context-absent = сейчас нет в конфигурации: ничего не открывает, пока не вернётся
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
token-ended-by = Завершён. Кем: { $name }
token-disabled-by = Приостановлен. Кем: { $name }
token-owner-blocked = Владелец { $name } заблокирован, поэтому токен не работает.
token-owner-blocked-link = Открыть владельца
token-company-blocked = Компания { $name } заблокирована, поэтому токен не работает.
token-company-blocked-link = Открыть компанию
token-windows = Разрешённое время
token-limits = Ограничения
token-rotate = Заменить…
token-successor = Заменён на
token-predecessor = Заменил токен
token-has-successor = Этот токен заменён: переведите клиентов на новый, пока старый работает. Новый токен:
token-used-up = Лимит использований исчерпан, токен больше не работает.
token-lacks = Запросы через контекст, которому нужен параметр, отклоняются, пока у токена его нет. Не хватает:
limit-left = осталось { $count }
limit-burst = до { $count } подряд
limit-rate-second = { $count } в секунду
limit-rate-minute = { $count } в минуту
limit-rate-hour = { $count } в час
limit-quota-hour = { $count } за час
limit-quota-day = { $count } за сутки
limit-quota-week = { $count } за неделю
limit-quota-month = { $count } за месяц
limit-uses = всего { $count }
limit-concurrent = { $count } одновременно
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
rotate-lead = Будет создан новый токен с теми же правами и своим секретом. Некоторое время работают оба, чтобы перевести клиентов без простоя.
rotate-grace = Сколько ещё работает старый секрет
rotate-grace-help = Не дольше собственного срока действия.
rotate-at-once = нисколько: отключается сразу
rotate-after-use = Сколько он работает после первого использования нового
rotate-after-use-help = Если этот срок наступит раньше.
rotate-not-sooner = столько, сколько указано выше
rotate-button = Заменить токен
revoke-title = Отозвать этот токен?
revoke-lead = Запросы с ним сразу начнут отклоняться. Отменить отзыв нельзя.
revoke-button = Отозвать навсегда
bulk-title = Отозвать все эти токены?
bulk-lead = Запросы со всеми подходящими действующими токенами сразу начнут отклоняться. Отменить отзыв нельзя.
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
   *[other] Отозвано { $count } токенов.
}
bulk-left = { $count ->
    [one] Остался { $count }.
    [few] Осталось { $count }.
   *[other] Осталось { $count }.
}
bulk-go-on = Продолжить

## Токены из других систем
import-title = Импорт токенов
import-lead = Перенос токенов из другой системы по их секретам или хешам SHA-256. Сначала вы увидите, что произойдёт с каждой строкой; до подтверждения ничего не записывается.
import-file = Файл
import-file-help = CSV с названиями столбцов в первой строке или по одному JSON-объекту в строке. Не больше { $count } строк.
import-taken = Содержимое файла — в поле ниже.
import-large = Файл слишком велик для этой страницы. Команда `tollgate token import` принимает файлы любого размера.
import-text = Содержимое файла
import-text-help = Столбцы: owner, name, secret или digest; а также app, description, company, expires_at, flags, contexts и другие, как в скачанном списке. Повторно он не показывается.
import-owners = Создать недостающих пользователей
import-owners-help = Без пароля и без ролей. Иначе их строки будут отклонены.
import-try = Проверить
import-tried = Что произойдёт с каждой строкой
import-tried-lead = Пока ничего не записано. Файл хранится десять минут.
import-done = Результат импорта
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
    [one] Не обработана { $count } строка.
    [few] Не обработаны { $count } строки.
   *[other] Не обработано { $count } строк.
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
import-caption = Строки и результат по каждой
import-line = Строка
import-outcome = Результат
import-why = Токен или причина отказа
import-word-would = готова
import-word-good = импортирована
import-word-refused = отклонена
import-word-not-tried = не обработана

## Секреты, найденные в открытом доступе
leaks-title = Отозвать утёкшие токены
leaks-lead = Вставьте секреты, найденные в открытом доступе. Их токены будут сразу и навсегда отозваны, а владельцы увидят это на своей главной странице.
leaks-secrets = Секреты
leaks-secrets-help = По одному в строке, не больше { $count }. Они больше не показываются и не попадают ни в историю, ни в журналы.
leaks-where = Где их нашли
leaks-button = Отозвать их токены навсегда
leaks-try = Только проверить
leaks-would-become = Что произойдёт
leaks-would-end = { $count ->
    [0] Отзывать нечего.
    [one] Будет отозван { $count } токен. Пока ничего не сделано.
    [few] Будут отозваны { $count } токена. Пока ничего не сделано.
   *[other] Будет отозвано { $count } токенов. Пока ничего не сделано.
}
leaks-became = Результат
leaks-ended = { $count ->
    [0] Отзывать было нечего.
    [one] Отозван { $count } токен. Владелец увидит это на своей главной странице.
    [few] Отозваны { $count } токена. Владельцы увидят это на своей главной странице.
   *[other] Отозвано { $count } токенов. Владельцы увидят это на своей главной странице.
}
leaks-caption = Секреты по порядку и результат по каждому
leaks-number = Строка
leaks-outcome = Результат
leaks-token = Токен и владелец
leak-word-ended = отозван
leak-word-would-end = действует
leak-word-was-ended = уже был завершён
leak-word-unknown = неизвестный секрет
leak-word-repeated = уже указан выше

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
filter-name = Название
filter-flags = Уровень доступа
filter-hint = Последние символы секрета
filter-created-from = Создан с
filter-created-before = Создан до
filter-expires-before = Срок действия истекает до
filter-ends-before = Закончится до (по сроку или без использования)
filter-last-used-before = Не использовался с
filter-never-used = Ни разу не использовался
filter-rotated = Заменённые
rotated-any = заменён
rotated-in-use = заменён, но старый ещё используется
filter-order = Порядок
filter-apply = Применить фильтры
filter-chosen = Заданные фильтры
filter-without = Убрать фильтр «{ $name }»
filter-clear = Сбросить все
filter-context-general = Сюда входят и токены с общим доступом: им открыты все контексты.

## Новый токен
create-title = Новый токен
create-lead = Откройте только то, что нужно. Почти всё, кроме секрета, можно изменить позже.
create-what = Описание
create-name-help = Название, по которому вы узнаете его через год, например «Ночная выгрузка заказов».
create-owner-help = Пользователь или сервис, от имени которого он действует.
create-company-help = Если не указать, будет компания владельца.
create-life = Срок действия
create-expiry = Окончание
create-days = { $count ->
    [one] через { $count } день
    [few] через { $count } дня
   *[other] через { $count } дней
}
create-default = через { $name } (по умолчанию)
create-date = в выбранный день…
create-never = бессрочно
create-expires-on = Дата (закончится в 00:00 UTC)
create-begins-help = Пусто — сразу. Дата и время по UTC.
create-keep = как сейчас: { $name }
create-idle = Закончится, если не использовать
create-idle-help = Каждый запрос начинает этот срок заново.
create-access = Права доступа
create-access-all = Общий доступ
create-access-all-help = Все контексты, в том числе те, что появятся позже.
create-access-chosen = Выбранные контексты
create-access-chosen-help = Только отмеченные.
create-param-secret = Хранится в зашифрованном виде и больше не показывается.
create-param-sealed = Значение уже сохранено в зашифрованном виде. Оставьте поле пустым, чтобы не менять его.
create-param-away = Удалить сохранённое значение
create-param-general = Что передаётся целевым серверам этих контекстов. При общем доступе заполнять необязательно.
create-flags-help = Отметьте уровни, нужные его запросам. Без уровней доступно только то, что их не требует.
create-flag-opens = Требуется для { $name }
create-unlimited = Без ограничений
create-unlimited-help = Все уровни доступа и право самому управлять токенами. Программам это почти никогда не нужно.
create-items-help = Идентификаторы, по одному в строке. Пусто — все объекты.
create-params-help = JSON-объект или список объектов; целевые серверы получают его без изменений.
create-networks-help = Например, 192.0.2.0/24, по одной в строке. Пусто — откуда угодно.
create-certificate-help = Отпечаток SHA-256 единственного сертификата, с которым токен работает: 64 шестнадцатеричные цифры. Пусто — любой клиент.
create-licensee = Показаны только контексты, на которые у компании { $name } есть лицензия.
create-lowered = Показаны только уровни доступа, которые могут быть у { $name }.
create-fit-help = Другой владелец или компания?
create-fit = Показать доступные контексты
create-bounds = Условия и ограничения
create-bounds-help = Объекты, сети, произвольные параметры, разрешённое время, частота и квоты. Всё это необязательно.
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
create-burst = Подряд после паузы
create-limits-quotas-hour = Не больше за час
create-limits-quotas-day = Не больше за сутки
create-limits-quotas-week = Не больше за неделю
create-limits-quotas-month = Не больше за месяц
create-limits-uses = Всего не больше
create-limits-concurrent = Одновременно не больше
create-button = Создать токен
secret-title = Ваш новый токен
secret-lead = Токен «{ $name }» готов к работе.
secret-heading = Секрет
secret-once = Скопируйте его сейчас и сохраните в надёжном месте. Больше он не будет показан.
secret-before = Старый секрет перестанет работать сам.
secret-before-link = Прежний токен
secret-curl = Попробуйте
secret-curl-help = По этому адресу токен пропускают; чтобы обратиться к другому, замените его.
secret-curl-none = Пока ни одно правило не пропускает запросы с этим токеном.
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
users-text-help = Имя, имя пользователя или почта
users-any-kind = Люди и сервисы
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
user-kind = Тип
user-ceiling = Максимальный уровень доступа
user-created = Создан
user-facts = Сведения о пользователе
user-tokens = Токены
user-revoke-all = Отозвать все токены…
user-block = Заблокировать
user-unblock = Разблокировать
user-blocked-by = Заблокирован. Кем: { $name }
user-password = Пароль
user-password-help = Не меньше 12 символов. Все сеансы этого пользователя завершатся.
user-password-set = Задать пароль
user-has-password = задан
user-no-password = нет: войти под этим именем нельзя
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
kind-service = Сервис
kind-service-help = Программа, группа или устройство.
role-user = Пользователь
role-administrator = Администратор
role-company-administrator = Администратор компании
role-developer = Разработчик
role-auditor = Аудитор
role-help-administrator = Может всё.
role-help-company-administrator = Пользователи и токены своей компании.
role-help-developer = Свои токены и свои сервисы.
role-help-auditor = Видит всё, ничего не меняет.
block-title = Заблокировать { $name }?
block-lead = Все токены перестанут работать со следующего запроса, а сеансы завершатся. Ничего не потеряется: разблокировать можно в любой момент.
block-count = { $count ->
    [0] Действующих токенов нет.
    [one] Перестанет работать { $count } действующий токен.
    [few] Перестанут работать { $count } действующих токена.
   *[other] Перестанут работать { $count } действующих токенов.
}
unblock-title = Разблокировать { $name }?
unblock-lead = Токены снова заработают, кроме тех, что за это время завершились.
unblock-count = { $count ->
    [0] Ни один токен не заработает снова.
    [one] Снова заработает { $count } токен.
    [few] Снова заработают { $count } токена.
   *[other] Снова заработают { $count } токенов.
}

## Компании
companies-title = Компании
companies-lead = Организации, к которым относятся пользователи и токены, и их лицензии.
companies-caption = Компании: состояние, лицензии на контексты и дата добавления
companies-new = Новая компания
companies-empty-title = Компаний пока нет
companies-empty-help = Токены работают и без них. Добавьте компанию, чтобы выдать ей лицензии на контексты и при необходимости разом остановить все её токены.
companies-own-title = Ваша компания ещё не добавлена
companies-own-help = Её пользователи и токены работают и без этого. Добавить её сюда может администратор.
companies-hidden-title = Компании вам не показываются
companies-hidden-help = Их видят администраторы и аудиторы. Что разрешено вашим токенам, написано на их страницах.
company-id = Краткое название
company-id-help = Строчные латинские буквы, цифры и дефисы, например acme. Изменить его нельзя.
company-active = Действует
company-blocked = Заблокирована
company-blocked-by = Заблокирована. Кем: { $name }
company-facts = Сведения о компании
company-contexts = Лицензии на контексты
company-contexts-help = Остальные контексты закрыты для всех её токенов независимо от их собственных прав.
company-all-contexts = Все контексты
company-created = Добавлена
company-new-lead = Лицензии действуют для всех токенов компании, в том числе уже выданных, со следующего запроса.
company-new-button = Добавить компанию
company-unknown = Компании { $name } здесь нет, поэтому её лицензии не ограничены: ей открыты все контексты. Если это не опечатка, продолжайте.
company-unknown-meant = Это не опечатка, продолжить
company-edit-title = Название и лицензии
company-block-lead = Все токены этой компании перестанут работать со следующего запроса, сеансы её сотрудников завершатся, и войти они не смогут. Ничего не потеряется: разблокировать можно в любой момент.
company-unblock-lead = Токены компании снова заработают, кроме завершившихся за это время и тех, чей владелец заблокирован, а её сотрудники снова смогут войти.

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
contexts-header = Передаётся целевому серверу в заголовке
contexts-no-header = Целевому серверу не передаётся
contexts-tokens = Действующие токены с контекстом «{ $name }»

## Уведомления
notices-title = Уведомления
notices-lead = Вебхуки, которые сообщают о важных событиях.
notices-empty-title = Вебхуков пока нет
notices-empty-help = Вебхуки задаются в конфигурации шлюза:
notices-sample = Пример вебхука в конфигурации
notices-caption = Вебхуки: уведомления, очередь и последняя доставка
notices-name = Вебхук
notices-kinds = Уведомления
notices-waiting = В очереди
notices-last = Последняя доставка
notices-none = пока ничего не отправлено
notices-facts = Сведения о вебхуке
notices-facts-help = Адрес, секрет и виды уведомлений меняются в конфигурации.
notices-test = Отправить тестовое уведомление
notices-failing = Нет успешных доставок с
notices-deliveries = Доставки
notices-deliveries-caption = Доставки, сначала новые
notices-when = Когда
notices-kind = Уведомление
notices-outcome = Результат
notices-answer = Ответ
notices-next = Следующая попытка
notices-no-next = нет
notices-nth = попытка { $count }
notices-took = { $count } мс
delivery-delivered = Доставлено
delivery-retry = Будет повтор
delivery-given-up = Не доставлено
notice-token-expires-soon = Срок действия токена скоро истечёт
notice-token-idles-out-soon = Токен скоро истечёт без использования
notice-token-revoked = Токен отозван не владельцем
notice-token-leaked = Секрет утёк
notice-token-reused = Снова использован заменённый секрет
notice-rights-widened = Права расширены
notice-test = Тест

## Учётная запись читателя
account-title = Моя учётная запись
account-password = Смена пароля
account-password-help = Не меньше 12 символов; лучше всего — фраза, которую легко запомнить. На других устройствах сеансы завершатся.
account-password-set = Сменить пароль
password-present = Текущий пароль
password-new = Новый пароль
password-again = Новый пароль ещё раз

## История
history-title = История
history-lead = Все изменения: кто, когда и почему. Записи нельзя изменить.
history-lead-part = Изменения, которые касаются вас, вашей компании и ваших подчинённых.
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
history-of-company = Компания
history-of-user = Пользователь
history-of-token = Токен (идентификатор)
history-none-fit = Таких событий нет.
history-go-on = Пока ничего не найдено, но поиск можно продолжить.
history-search-on = Искать дальше
event-by = автор:
event-token = токен
event-user = пользователь
event-company = компания
event-more = { $count ->
    [one] и ещё { $count } токен
    [few] и ещё { $count } токена
   *[other] и ещё { $count } токенов
}
event-more-users = { $count ->
    [one] и ещё { $count } пользователь
    [few] и ещё { $count } пользователя
   *[many] и ещё { $count } пользователей
}
event-many = { $count ->
    [one] Одно действие над { $count } токеном по фильтру:
   *[other] Часть действия над { $count } токенами по фильтру:
}
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
chain-broken = Цепочка повреждена
chain-broken-lead = Все события до указанного места проверены и не изменены. На то, что стоит дальше, полагаться нельзя.
chain-broken-place = Где она рвётся
chain-broken-file = Файл
chain-broken-what = Что найдено
chain-broken-help = Ничего не меняйте в этой папке и сообщите тому, кто отвечает за сервер: tollgate history verify найдёт то же самое, а данные можно восстановить из более ранней резервной копии.
event-token-created = Токен создан
event-token-updated = Токен изменён
event-token-disabled = Токен приостановлен
event-token-enabled = Токен возобновлён
event-token-revoked = Токен отозван
event-token-leaked = Токен отозван: секрет утёк
event-token-expired = Срок действия токена истёк
event-token-idle-expired = Токен истёк без использования
event-token-first-used = Токен использован впервые
event-token-expires-soon = Срок действия токена скоро истечёт
event-token-idles-out-soon = Токен скоро истечёт без использования
event-token-reused = Использован секрет заменённого токена после его отключения
event-token-rotated = Токен заменён
event-token-retired = Токен отключён после замены
event-token-exported = Токены выгружены вместе с хешами
event-owner-created = Пользователь создан
event-owner-updated = Пользователь изменён
event-owner-blocked = Пользователь заблокирован
event-owner-unblocked = Пользователь разблокирован
event-company-created = Компания добавлена
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
field-ceiling = Максимальный уровень доступа
field-limits = Ограничения
field-idle-ttl = Отключение без использования
field-kind = Тип
field-ended = Завершён
field-rotated-to = Заменён на
field-retire-after-use = Работает после первого использования нового токена

## Разбор запроса
explain-title = Разбор запроса
explain-lead = Все проверки, которые пройдёт запрос, по порядку. Сам запрос не отправляется.
explain-method = Метод
explain-url = Адрес
explain-token = Идентификатор токена
explain-token-help = Он есть на странице токена.
explain-secret = Или его секрет
explain-secret-help = Он не сохраняется.
explain-address = Адрес клиента
explain-certificate = Сертификат клиента
explain-certificate-help = В формате PEM. Подпись считается проверенной, а срок действия проверяется.
explain-button = Разобрать
explain-permitted = Запрос был бы пропущен
explain-refused = Запрос был бы отклонён
explain-rule = Правило
explain-of-token = Токен
outcome-passed = проверка пройдена
outcome-refused = запрос отклонён здесь
outcome-not-reached = до проверки не дошло
check-method = Метод
check-target-length = Длина адреса
check-host = Хост
check-path = Путь
check-route = Маршрут
check-spelling = Однозначность пути
check-preflight = Preflight-запрос браузера
check-certificate = Сертификат соединения
check-clock = Часы
check-credential = Учётные данные
check-digest = Токен известен
check-not-revoked = Не отозван
check-not-disabled = Не приостановлен
check-owner-not-blocked = Владелец не заблокирован
check-company-not-blocked = Компания не заблокирована
check-active = Уже действует
check-not-expired = Не истёк
check-not-idle = Не истёк без использования
check-presenter = Сертификат клиента
check-time = Разрешённое время
check-address = Сеть
check-rule = Правило
check-subject = Владелец сертификата
check-roles = Роли
check-company = Компания
check-context = Контекст
check-licence = Лицензия компании
check-parameters = Параметры контекста
check-flags = Уровни доступа
check-items = Объекты
check-limits = Ограничения
check-identity = Что передаётся целевому серверу

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
done-company-created = Компания добавлена.
done-company-changed = Компания изменена.
done-company-blocked = Компания заблокирована. Её токены остановлены, сеансы её сотрудников завершены.
done-company-unblocked = Компания разблокирована.
done-webhook-took = Вебхук принял тестовое уведомление.
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
done-secret-away = В адресе страницы был секрет — он оттуда убран. Ищите по четырём последним символам секрета, а если историю этого браузера видят другие, замените токен.
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
wrong-name = Дайте название не длиннее 200 символов в одну строку.
wrong-owner = Укажите имя существующего владельца.
wrong-app = Приложение — не длиннее 200 символов в одну строку.
wrong-company = Укажите компанию, за которую владелец может действовать.
wrong-company-id = Компания указывается кратким названием, например acme.
wrong-description = Описание — не длиннее 2000 символов.
wrong-secret-here = Уберите из этого текста секрет токена: текст хранится и показывается.
wrong-lifetime = Выберите окончание в будущем.
wrong-idle-ttl = Выберите срок, который ещё не прошёл с последнего использования и не больше разрешённого вам.
wrong-expires-at = Выберите дату в будущем.
wrong-expires-on = Выберите день, когда токен закончится.
wrong-not-before = Выберите начало, которое раньше окончания.
wrong-filter = Сначала сузьте список: задайте хотя бы один фильтр.
wrong-filter-text = Для поиска — не больше 200 символов в одной строке.
wrong-filter-hint = Введите не больше четырёх последних символов секрета.
wrong-filter-choice = Выберите значение из списка.
wrong-confirm = Посмотрите на показанный список и отправьте форму оттуда.
wrong-text = Выберите файл или вставьте сюда его содержимое.
wrong-lines = Страница принимает не больше 500 строк. Для больших файлов есть команда `tollgate token import`.
wrong-columns = В первой строке должны быть названия известных столбцов, например owner,name,secret; JSON должен быть полным.
wrong-draft = Файл больше не хранится. Выберите его снова.
wrong-draft-secrets = Секреты больше не хранятся. Вставьте их снова.
wrong-secrets = Вставьте хотя бы один секрет, но не больше 1000.
wrong-webhook = Вебхук не принял тестовое уведомление.
wrong-cursor = Этой страницы списка больше нет. Начните сначала.
wrong-contexts = Выберите существующие контексты, которые вы можете открыть и на которые у компании есть лицензия.
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
wrong-reason = Причина — не длиннее 500 символов в одну строку.
wrong-id = Имя пользователя — строчные латинские буквы, цифры и . _ - + @.
wrong-email = Это не адрес электронной почты.
wrong-parent = Укажите имя существующего пользователя.
wrong-roles = Выберите роли, которые вы можете назначать.
wrong-ceiling = Выберите уровни доступа, которые есть у вас.
wrong-password = Выберите пароль от 12 до 200 символов, который не повторяет имя пользователя.
wrong-present = Это не ваш текущий пароль.
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
wrong-subject = Укажите что-то одно: токен, пользователя или компанию.
wrong-by = Укажите имя пользователя или system — сам шлюз.
wrong-since = Укажите дату.
wrong-until = Укажите дату.

## Неполадки: в чём дело и что делать
problem-bad-field = Значение не указано или неверно
problem-not-allowed = Больше, чем вы можете выдать
problem-forbidden = Недостаточно прав
problem-not-found = Не найдено
problem-exists = Это имя занято
problem-ended = Этот токен уже завершён
problem-rotated = Этот токен уже заменён
problem-clock-behind = Часы сервера отстают
problem-other-history = История не сходится
problem-conflict = Кто-то уже внёс изменения
problem-busy = Слишком много запросов сразу
problem-too-many-failures = Слишком много попыток
problem-changed = Кто-то уже внёс изменения
problem-not-as-shown = Это не те токены, которые были показаны
problem-duplicate-secret = Такой секрет есть у другого токена
problem-disk-full = На диске сервера нет места
problem-read-only = Изменения сейчас не принимаются
problem-locked = Хранилище занято
problem-damaged = Хранилище повреждено
problem-unavailable = Временно недоступно
problem-no-csrf-token = Эта форма устарела
problem-other-origin = Запрос пришёл с другого сайта
problem-bad-request = Не удалось прочитать запрос
help-bad-field = Вернитесь и посмотрите, что вы ввели.
help-not-allowed = Выдать можно не больше, чем есть у вас. Обратитесь к администратору.
help-forbidden = Если это вам нужно, обратитесь к администратору.
help-not-found = Этого нет, или у вас нет доступа.
help-exists = Выберите другое.
help-ended = Отменить это нельзя. Создайте новый токен.
help-rotated = Измените новый токен.
help-clock-behind = Пока часы не выставлены верно, судить о токенах нельзя.
help-other-history = Что-то изменено или пропало. Сообщите тому, кто отвечает за сервер, и сохраните копию всего.
help-conflict = Посмотрите текущее состояние и измените ещё раз.
help-busy = Повторите чуть позже.
help-too-many-failures = Подождите немного и повторите.
help-changed = Посмотрите текущее состояние и измените ещё раз.
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
live-upstreams = Сервисы за шлюзом
live-upstream = Сервис
live-standing = Состояние
live-under-way = Выполняется
live-ejections = Сколько раз исключался
upstream-up = Получает запросы
upstream-returning = Возвращается после сбоев
upstream-left-out = Исключён после сбоев
upstream-down = Проверка не пройдена
live-stop = Не обновлять
live-go-on = Обновлять дальше
live-now = сейчас
refused-credential-missing = Токен не передан
refused-credential-malformed = Токен в запросе не удаётся прочитать
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
refused-certificate-missing = Клиент не предъявил сертификат
refused-subject-not-allowed = Сертификат другого владельца
refused-misdirected = По соединению с другим хостом
refused-address-not-allowed = Запрос с неразрешённого адреса
refused-time-not-allowed = Вне разрешённого времени
refused-no-rule = Для этого пути нет правила
refused-role-missing = Нет нужной роли
refused-wrong-company = Токен другой компании
refused-context-missing = Нет нужного контекста
refused-context-unlicensed = Контекст не входит в лицензию
refused-parameter-missing = Не хватает параметра контекста
refused-flags-missing = Не хватает уровня доступа
refused-item-not-allowed = Нет доступа к этому объекту
refused-limited-rate = Слишком часто
refused-limited-quota = Квота исчерпана
refused-limited-uses = Все использования исчерпаны
refused-limited-concurrent = Слишком много одновременно
refused-too-many-failures = Слишком много неудач с одного адреса
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
refused-bad-value = Поле с пробелом на краю
refused-bad-company = Неверное поле компании
refused-bad-head = Заголовок запроса — не HTTP
refused-origin-not-allowed = Страница с неразрешённого источника
refused-method-not-allowed = Метод здесь не разрешён
refused-expectation-failed = Неизвестное ожидание (Expect)
refused-transfer-coding = Кодирование передачи, которое нельзя прочитать
refused-body-timeout = Тело запроса шло слишком медленно
refused-body-too-large = Слишком большое тело запроса
refused-target-too-long = Слишком длинный адрес
refused-head-too-large = Слишком большой заголовок запроса
refused-overloaded = Шлюз был перегружен
refused-upstream-busy = У сервиса слишком много запросов
refused-upstream-unreachable = Сервис недоступен
refused-upstream-broken = Сервис прервал ответ
refused-upstream-timeout = Сервис отвечал слишком долго
