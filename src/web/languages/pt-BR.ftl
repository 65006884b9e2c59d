### O que as páginas dizem, em português do Brasil.

## Em volta de cada página
skip = Ir para o conteúdo
nav-label = Menu principal
nav-overview = Visão geral
nav-tokens = Tokens
nav-users = Usuários
nav-companies = Empresas
nav-contexts = Contextos
nav-notices = Avisos
nav-history = Histórico
nav-explain = Explicar
nav-account = Minha conta
nav-account-of = Conta de { $name }
sign-out = Sair
foot-times = Todos os horários estão em UTC.
look-language = Idioma
look-theme = Aparência
look-apply = Aplicar
look-ask = O que você digitou aqui será perdido. Mudar o idioma mesmo assim?
theme-system = Como no sistema
theme-light = Clara
theme-dark = Escura
crumbs = Onde você está
pages-label = Páginas da lista
pages-first = Primeira página
pages-next = Próxima página
pages-newest = Mais recentes
pages-older = Mais antigos
optional = (opcional)
choose = Escolha…
cancel = Cancelar
save = Salvar alterações
reason = Motivo
reason-help = Fica no histórico, para quem perguntar depois.
none = nenhum
always = em qualquer horário
removed = valor removido
changed = valor alterado
nothing = sem valor
hidden = valor oculto
by = por { $name }
copy = Copiar
copied = Copiado
copy-failed = Não foi possível copiar; o texto está selecionado
actor-machine = linha de comando do servidor
actor-system = Tollgate

## Tempo
when-now = agora
when-ago-year = { $count ->
    [one] há { $count } ano
   *[other] há { $count } anos
}
when-ago-month = { $count ->
    [one] há { $count } mês
   *[other] há { $count } meses
}
when-ago-day = { $count ->
    [one] há { $count } dia
   *[other] há { $count } dias
}
when-ago-hour = { $count ->
    [one] há { $count } hora
   *[other] há { $count } horas
}
when-ago-minute = { $count ->
    [one] há { $count } minuto
   *[other] há { $count } minutos
}
when-in-year = { $count ->
    [one] em { $count } ano
   *[other] em { $count } anos
}
when-in-month = { $count ->
    [one] em { $count } mês
   *[other] em { $count } meses
}
when-in-day = { $count ->
    [one] em { $count } dia
   *[other] em { $count } dias
}
when-in-hour = { $count ->
    [one] em { $count } hora
   *[other] em { $count } horas
}
when-in-minute = { $count ->
    [one] em { $count } minuto
   *[other] em { $count } minutos
}

## Estados
state-pending = Ainda não vale
state-active = Ativo
state-disabled = Pausado
state-expired = Vencido
state-idle-expired = Vencido por falta de uso
state-revoked = Revogado
state-blocked = Bloqueado
state-used-up = Esgotado
ends-time = por prazo
ends-idle = por falta de uso
ends-never = nunca
ends-over = encerrado
ends-after-use = ou { $name } após o primeiro uso do sucessor
ends-after-use-now = ou com o primeiro uso do sucessor

## Entrar
sign-in-title = Entrar
sign-in-lead = Onde os tokens das APIs são emitidos e revogados.
sign-in-user = Nome de usuário
sign-in-password = Senha
sign-in-button = Entrar
sign-in-first-summary = É a sua primeira vez aqui?
sign-in-first-help = O comando `tollgate init` criou o primeiro administrador e mostrou a senha uma única vez. Se ela se perdeu, defina outra no servidor:
sign-in-wrong = Nome de usuário ou senha incorretos.
sign-in-wait = { $count ->
    [one] Muitas tentativas falharam. Tente de novo em { $count } segundo.
   *[other] Muitas tentativas falharam. Tente de novo em { $count } segundos.
}

## Visão geral
overview-hello = Olá, { $name }
overview-lead = Seus tokens, os próximos términos e os últimos eventos.
overview-counts = Tokens por estado
overview-leaked = { $count ->
    [one] Um dos seus tokens vazou e foi encerrado.
   *[other] { $count } dos seus tokens vazaram e foram encerrados.
}
overview-leaked-help = O token foi encerrado assim que o segredo dele foi denunciado. Descubra por onde ele vazou e crie um novo token onde ainda for necessário.
overview-soon = Terminam nas próximas duas semanas
overview-soon-none = Nenhum token termina nas próximas duas semanas.
overview-soon-all = Todos os que terminam em breve
overview-past = Últimos eventos
overview-gateway = Gateway
overview-store = Armazenamento
overview-running = Em execução desde
overview-version = Versão
store-ready = Em ordem
store-read-only = Não aceita alterações
store-broken = Com defeito
count-active = { $count ->
    [one] token ativo
   *[other] tokens ativos
}
count-unused = deles nunca usados
count-paused = pausados ou bloqueados
count-over = encerrados
welcome-title = Três passos até o seu primeiro token
welcome-one = Crie um token
welcome-one-help = Dê a ele um nome e um dono e abra somente o que ele precisa.
welcome-two = Copie o segredo
welcome-two-help = Ele é mostrado uma única vez. O Tollgate guarda só um hash, do qual não é possível recuperá-lo.
welcome-three = Envie uma requisição
welcome-three-help = Ao lado do segredo há uma linha de curl pronta. Aqui você verá depois quando ele foi usado pela última vez.
welcome-button = Criar o primeiro token

## Tokens
tokens-title = Tokens
tokens-lead = Tokens vencidos e revogados continuam na lista.
tokens-lead-owner = Tokens de { $name }.
tokens-to-newest = Mais recentes primeiro
tokens-to-oldest = Mais antigos primeiro
tokens-go-on = Nenhum resultado até aqui. Há mais tokens para pesquisar.
tokens-none-fit = Nenhum token encontrado
tokens-none-fit-help = Amplie a busca ou limpe os filtros.
tokens-caption = Tokens com estado, dono, último uso e término
tokens-new = Novo token
tokens-empty-title = Ainda não há tokens
tokens-empty-help = Um token permite que um programa chame as suas APIs, dentro dos limites que você definir.
tokens-no-more = Não há mais tokens.
tokens-revoke-all = Revogar todos os encontrados…
tokens-of-list = Ações da lista
tokens-export-csv = Baixar como CSV
tokens-export-json = Baixar como linhas JSON
tokens-import = Importar…
tokens-leaked = Segredos vazados…
token-name = Nome
token-state = Estado
token-owner = Dono
token-app = Aplicação
token-company = Empresa
token-description = Descrição
token-last-use = Último uso
token-ends = Termina em
token-begins = Vale a partir de
token-created = Criado
token-secret = Segredo
token-secret-hidden = não é mostrado de novo
token-id = Identificador
token-facts = Sobre este token
token-rights = Permissões
token-contexts = Contextos
token-params = Parâmetros livres
token-flags = Níveis de acesso
token-items = Itens
token-networks = Redes
token-certificate = Certificado do cliente
never-used = nunca
all-contexts = Acesso geral
context-absent = não está na configuração no momento: não abre nada até voltar
all-items = todos
anywhere = de qualquer lugar
unlimited = Sem limites
sealed = guardado com criptografia, nunca mostrado
token-used-from = de { $name }
token-edit = Editar
token-edit-title = Alterar token
token-edit-lead = As alterações valem a partir da próxima requisição. O segredo continua o mesmo; dono e empresa não podem ser alterados.
token-edit-narrows = Aqui você pode renomeá-lo e reduzir o que ele pode; só administradores ampliam um token.
token-disable = Pausar
token-enable = Retomar
token-revoke = Revogar…
token-explain = Explicar uma requisição com este token
token-ended-by = Encerrado por { $name }
token-disabled-by = Pausado por { $name }
token-owner-blocked = O dono { $name } está bloqueado, por isso este token não funciona.
token-owner-blocked-link = Ver o dono
token-company-blocked = A empresa { $name } está bloqueada, por isso este token não funciona.
token-company-blocked-link = Ver a empresa
token-windows = Horários permitidos
token-limits = Limites
token-rotate = Substituir…
token-successor = Substituído por
token-predecessor = Substitui
token-has-successor = Este token foi substituído: mude os clientes para o novo antes que este termine. Novo token:
token-used-up = Este token atingiu o total de usos permitidos e não funciona mais.
token-lacks = Requisições por um contexto que exige um parâmetro são recusadas até que o token o tenha. Falta:
limit-left = { $count ->
    [one] resta { $count }
   *[other] restam { $count }
}
limit-burst = até { $count } de uma vez
limit-rate-second = { $count } por segundo
limit-rate-minute = { $count } por minuto
limit-rate-hour = { $count } por hora
limit-quota-hour = { $count } a cada hora
limit-quota-day = { $count } a cada dia
limit-quota-week = { $count } a cada semana
limit-quota-month = { $count } a cada mês
limit-uses = { $count } no total
limit-concurrent = { $count } ao mesmo tempo
day-1 = seg.
day-2 = ter.
day-3 = qua.
day-4 = qui.
day-5 = sex.
day-6 = sáb.
day-7 = dom.
span-minutes = { $count ->
    [one] { $count } minuto
   *[other] { $count } minutos
}
span-seconds = { $count ->
    [one] { $count } segundo
   *[other] { $count } segundos
}
span-hours = { $count ->
    [one] { $count } hora
   *[other] { $count } horas
}
span-days = { $count ->
    [one] { $count } dia
   *[other] { $count } dias
}
rotate-title = Substituir este token?
rotate-lead = Ele ganha um sucessor com as mesmas permissões e um segredo próprio. Por um tempo os dois funcionam, para que os clientes mudem sem interrupção.
rotate-grace = O segredo antigo funciona por mais
rotate-grace-help = Nunca além do próprio prazo.
rotate-at-once = nada: termina na hora
rotate-after-use = Depois que o novo for usado, o antigo funciona por mais
rotate-after-use-help = Se isso vier antes.
rotate-not-sooner = o tempo indicado acima
rotate-button = Substituir token
revoke-title = Revogar este token?
revoke-lead = Requisições com ele passam a ser recusadas imediatamente. Isto não pode ser desfeito.
revoke-button = Revogar definitivamente
bulk-title = Revogar todos estes tokens?
bulk-lead = Requisições com qualquer token correspondente que ainda não terminou passam a ser recusadas imediatamente. Isto não pode ser desfeito.
bulk-count = { $count ->
    [0] Não há aqui nenhum token que você possa revogar.
    [one] { $count } token será revogado.
   *[other] { $count } tokens serão revogados.
}
bulk-not-yours = { $count ->
    [one] Mais { $count } corresponde, mas fica: você não pode revogá-lo.
   *[other] Mais { $count } correspondem, mas ficam: você não pode revogá-los.
}
bulk-owners = De quem são os tokens
bulk-of-others = { $count ->
    [one] e { $count } de outros donos
   *[other] e { $count } de outros donos
}
bulk-first = Os mais antigos
bulk-button = { $count ->
    [one] Revogar { $count } token definitivamente
   *[other] Revogar { $count } tokens definitivamente
}
bulk-revoked = { $count ->
    [one] { $count } token foi revogado.
   *[other] { $count } tokens foram revogados.
}
bulk-left = { $count ->
    [one] Falta { $count }.
   *[other] Faltam { $count }.
}
bulk-go-on = Continuar

## Tokens de outros sistemas
import-title = Importar tokens
import-lead = Traga tokens de outro sistema, pelos segredos ou pelos hashes SHA-256 deles. Primeiro você vê a prévia de cada linha; nada é gravado antes de você confirmar.
import-file = Arquivo
import-file-help = CSV com os nomes das colunas na primeira linha, ou um objeto JSON por linha. No máximo { $count } linhas.
import-taken = O conteúdo do arquivo está no campo abaixo.
import-large = Este arquivo é grande demais para a página. Use `tollgate token import`, que aceita arquivos de qualquer tamanho.
import-text = Conteúdo do arquivo
import-text-help = Colunas: owner, name, secret ou digest; e também app, description, company, expires_at, flags, contexts e outras, como em uma lista baixada. Ele não é mostrado de novo.
import-owners = Criar usuários que faltam
import-owners-help = Sem senha e sem papéis. Caso contrário, as linhas deles são recusadas.
import-try = Ver prévia
import-tried = Prévia, linha a linha
import-tried-lead = Nada foi gravado ainda. O arquivo fica guardado por dez minutos.
import-done = Resultado da importação
import-done-lead = Linhas recusadas podem ser corrigidas e importadas de novo; os tokens que já existem ficam como estão.
import-would = { $count ->
    [0] Nenhuma linha seria importada.
    [one] { $count } linha seria importada.
   *[other] { $count } linhas seriam importadas.
}
import-good = { $count ->
    [0] Nenhum token foi importado.
    [one] { $count } token foi importado.
   *[other] { $count } tokens foram importados.
}
import-refused = { $count ->
    [one] { $count } linha é recusada.
   *[other] { $count } linhas são recusadas.
}
import-not-tried = { $count ->
    [one] { $count } linha não foi processada.
   *[other] { $count } linhas não foram processadas.
}
import-others = { $count ->
    [one] Mais { $count } linha não é mostrada.
   *[other] Mais { $count } linhas não são mostradas.
}
import-button = { $count ->
    [one] Importar { $count } linha
   *[other] Importar { $count } linhas
}
import-other = Outro arquivo
import-caption = Linhas e o resultado de cada uma
import-line = Linha
import-outcome = Resultado
import-why = Token ou motivo da recusa
import-word-would = pronta
import-word-good = importada
import-word-refused = recusada
import-word-not-tried = não processada

## Segredos encontrados em aberto
leaks-title = Revogar tokens vazados
leaks-lead = Cole segredos encontrados em público. O token de cada um é revogado na hora e definitivamente, e o dono vê isso em sua página inicial.
leaks-secrets = Segredos
leaks-secrets-help = Um por linha, no máximo { $count }. Eles não são mostrados de novo e não aparecem em nenhum histórico nem registro.
leaks-where = Onde foram encontrados
leaks-button = Revogar os tokens definitivamente
leaks-try = Só ver prévia
leaks-would-become = Prévia
leaks-would-end = { $count ->
    [0] Nada seria revogado.
    [one] { $count } token ativo seria revogado. Nada aconteceu ainda.
   *[other] { $count } tokens ativos seriam revogados. Nada aconteceu ainda.
}
leaks-became = Resultado
leaks-ended = { $count ->
    [0] Não foi preciso revogar nenhum token.
    [one] { $count } token foi revogado. O dono vê isso em sua página inicial.
   *[other] { $count } tokens foram revogados. Os donos veem isso em sua página inicial.
}
leaks-caption = Segredos na ordem, com o resultado de cada um
leaks-number = Linha
leaks-outcome = Resultado
leaks-token = Token e dono
leak-word-ended = revogado
leak-word-would-end = ativo
leak-word-was-ended = já estava encerrado
leak-word-unknown = segredo desconhecido
leak-word-repeated = já aparece antes

## Filtros da lista
filter-label = Buscar tokens
filter-text = Texto
filter-text-help = Nome, aplicação, descrição, dono ou ID
filter-state = Estado
filter-any-state = Qualquer estado
filter-any = qualquer um
filter-search = Buscar
filter-more = Mais filtros
filter-owner = Dono
filter-company = Empresa
filter-context = Contexto
filter-name = Nome
filter-flags = Nível de acesso
filter-hint = Últimos caracteres do segredo
filter-created-from = Criado a partir de
filter-created-before = Criado antes de
filter-expires-before = Vence antes de
filter-ends-before = Termina antes de (por prazo ou sem uso)
filter-last-used-before = Último uso antes de, ou nunca
filter-never-used = Nunca usado
filter-rotated = Substituídos
rotated-any = com sucessor
rotated-in-use = com sucessor e ainda em uso
filter-order = Ordem
filter-apply = Aplicar filtros
filter-chosen = Filtros aplicados
filter-without = Remover o filtro “{ $name }”
filter-clear = Limpar tudo
filter-context-general = Inclui os tokens com acesso geral: eles alcançam todos os contextos.

## Um novo token
create-title = Novo token
create-lead = Abra somente o que ele precisa. Quase tudo, menos o segredo, pode ser alterado depois.
create-what = Sobre o token
create-name-help = Um nome que você reconheça daqui a um ano, por exemplo “Exportação noturna de pedidos”.
create-owner-help = O usuário ou serviço em nome do qual ele age.
create-company-help = Em branco: a empresa do dono.
create-life = Validade
create-expiry = Término
create-days = { $count ->
    [one] após { $count } dia
   *[other] após { $count } dias
}
create-default = após { $name } (padrão)
create-date = em uma data…
create-never = nunca
create-expires-on = Data (termina às 00:00 UTC)
create-begins-help = Vazio: imediatamente. Data e hora em UTC.
create-keep = como está: { $name }
create-idle = Também termina se ficar sem uso por
create-idle-help = Cada requisição reinicia esse prazo.
create-access = Permissões
create-access-all = Acesso geral
create-access-all-help = Todos os contextos, também os que surgirem depois.
create-access-chosen = Contextos escolhidos
create-access-chosen-help = Somente os que você marcar.
create-param-secret = Guardado com criptografia e nunca mostrado de novo.
create-param-sealed = Já há um valor guardado, com criptografia. Deixe em branco para mantê-lo.
create-param-away = Remover o valor guardado
create-param-general = O que as requisições informam aos servidores de destino destes contextos. Com acesso geral, não é preciso preencher nada.
create-flags-help = Marque o que as requisições dele precisam. Sem nenhum, ele só alcança o que não exige nível.
create-flag-opens = Exigido por { $name }
create-unlimited = Sem limites
create-unlimited-help = Todos os níveis de acesso e permissão para gerenciar tokens. Quase nenhum programa precisa disso.
create-items-help = Identificadores, um por linha. Em branco: todos os itens.
create-params-help = Um objeto JSON, ou uma lista de objetos, que os servidores de destino recebem tal como está aqui.
create-networks-help = Por exemplo 192.0.2.0/24, uma por linha. Em branco: de qualquer lugar.
create-certificate-help = A impressão digital SHA-256 do único certificado com que ele funciona: 64 dígitos hexadecimais. Em branco: qualquer cliente.
create-licensee = Só aparecem os contextos para os quais a empresa { $name } tem licença.
create-lowered = Só aparecem os níveis de acesso que { $name } pode ter.
create-fit-help = Outro dono ou outra empresa?
create-fit = Mostrar contextos disponíveis
create-bounds = Condições e limites
create-bounds-help = Itens, redes, parâmetros livres, horários permitidos, taxas e cotas. Tudo é opcional.
create-windows-help = Nos dias marcados, entre estes horários, como 09:00 e 18:00; 24:00 é o fim do dia. Se o fim for antes do início, como das 22:00 às 06:00, ele cai no dia seguinte. Em branco: sempre.
create-windows-away = Para remover um horário, desmarque os dias e limpe os dois campos.
create-window = Horário { $count }
create-from = Das
create-until = Até as
create-clock = Fuso horário
create-limits-help = Requisições além de um limite recebem a resposta 429. Em branco: sem limite.
create-rate = Requisições
create-rate-per = por
create-per-second = segundo
create-per-minute = minuto
create-per-hour = hora
create-burst = De uma só vez após uma pausa
create-limits-quotas-hour = Máximo por hora
create-limits-quotas-day = Máximo por dia
create-limits-quotas-week = Máximo por semana
create-limits-quotas-month = Máximo por mês
create-limits-uses = Máximo no total
create-limits-concurrent = Máximo ao mesmo tempo
create-button = Criar token
secret-title = Seu novo token
secret-lead = “{ $name }” está pronto para usar.
secret-heading = Segredo
secret-once = Copie agora e guarde bem. Ele não será mostrado de novo.
secret-before = O segredo antigo deixa de funcionar sozinho.
secret-before-link = Token anterior
secret-curl = Experimente
secret-curl-help = Este endereço aceita o token; troque-o por outro para chamar outra coisa.
secret-curl-none = Nenhuma regra deixa passar uma requisição com este token ainda.
secret-go-on = Ir para o token
secret-gone-title = O segredo já foi mostrado
secret-gone-help = Ele é mostrado uma única vez, e o Tollgate não consegue recuperá-lo. Se ele se perdeu, revogue este token e crie outro.

## Usuários
users-title = Usuários
users-lead = Pessoas e programas em nome dos quais os tokens agem.
users-caption = Usuários com estado, papéis e empresa
users-new = Novo usuário
users-empty = Não há mais usuários.
users-search = Buscar usuários
users-text-help = Nome, nome de usuário ou e-mail
users-any-kind = Pessoas e serviços
users-any-role = Qualquer papel
users-none-fit = Nenhum usuário encontrado
users-none-fit-help = Tente outras palavras ou menos filtros.
user-name = Nome
user-state = Estado
user-id = Nome de usuário
user-id-help = Letras minúsculas, algarismos e . _ - + @, por exemplo alice ou alice@example.com. Não pode ser alterado.
user-email = E-mail
user-company = Empresa
user-parent = Subordinado a
user-roles = Papéis
user-kind = Tipo
user-ceiling = Nível de acesso máximo
user-created = Criado
user-facts = Sobre este usuário
user-tokens = Tokens
user-revoke-all = Revogar todos os tokens…
user-block = Bloquear
user-unblock = Desbloquear
user-blocked-by = Bloqueado por { $name }
user-password = Senha
user-password-help = No mínimo 12 caracteres. Encerra todas as sessões deste usuário.
user-password-set = Definir senha
user-has-password = definida
user-no-password = nenhuma: ninguém pode entrar como este usuário
user-new-lead = Um token age em nome de um usuário. As pessoas também podem entrar aqui, quando têm uma senha.
user-new-service-lead = Um serviço é um programa em cujo nome os tokens agem. Como desenvolvedor, você cria serviços subordinados a você.
user-new-button = Criar usuário
user-edit-title = Alterar usuário
user-edit-lead = As alterações valem a partir da próxima requisição de cada token. Os tokens continuam na empresa para a qual foram criados.
user-ceiling-help = O máximo que qualquer token deste usuário pode ter, e o máximo que ele dá a outros. Marque o que for preciso.
user-ceiling-chosen = Níveis de acesso escolhidos
user-more-roles = Outros papéis
user-more-roles-help = Nomes que as suas regras exigem, separados por espaços.
user-more-roles-own = Você pode dar os que tem: { $name }.
kind-user = Pessoa
kind-user-help = Alguém que pode entrar aqui.
kind-service = Serviço
kind-service-help = Um programa, uma equipe ou um dispositivo.
role-user = Usuário
role-administrator = Administrador
role-company-administrator = Administrador da empresa
role-developer = Desenvolvedor
role-auditor = Auditor
role-help-administrator = Pode fazer tudo.
role-help-company-administrator = Usuários e tokens da própria empresa.
role-help-developer = Os próprios tokens e serviços próprios.
role-help-auditor = Vê tudo, não altera nada.
block-title = Bloquear { $name }?
block-lead = Todos os tokens param na próxima requisição, e as sessões são encerradas. Nada se perde: você pode desbloquear a qualquer momento.
block-count = { $count ->
    [0] Nenhum token ativo vai parar de funcionar.
    [one] { $count } token ativo vai parar de funcionar.
   *[other] { $count } tokens ativos vão parar de funcionar.
}
unblock-title = Desbloquear { $name }?
unblock-lead = Os tokens voltam a funcionar, exceto os que terminaram nesse meio-tempo.
unblock-count = { $count ->
    [0] Nenhum token volta a funcionar.
    [one] { $count } token volta a funcionar.
   *[other] { $count } tokens voltam a funcionar.
}

## Empresas
companies-title = Empresas
companies-lead = Organizações a que pertencem usuários e tokens, e as licenças de cada uma.
companies-caption = Empresas com estado, contextos licenciados e data de cadastro
companies-new = Nova empresa
companies-empty-title = Nenhuma empresa cadastrada
companies-empty-help = Os tokens funcionam sem elas. Cadastre uma empresa para licenciar contextos e poder parar todos os tokens dela de uma vez.
companies-own-title = Sua empresa não está cadastrada
companies-own-help = Os usuários e tokens dela funcionam mesmo assim. Um administrador pode cadastrá-la aqui.
companies-hidden-title = As empresas não são mostradas para você
companies-hidden-help = Administradores e auditores as veem. O que seus tokens podem fazer está na página de cada um.
company-id = Nome curto
company-id-help = Letras minúsculas, algarismos e hifens, por exemplo acme. Não pode ser alterado.
company-active = Ativa
company-blocked = Bloqueada
company-blocked-by = Bloqueada por { $name }
company-facts = Sobre esta empresa
company-contexts = Contextos licenciados
company-contexts-help = Os demais contextos ficam fechados a todos os tokens dela, mesmo que eles os permitam.
company-all-contexts = Todos os contextos
company-created = Cadastrada em
company-new-lead = As licenças de uma empresa valem para todos os tokens dela, também os que já existem, a partir da próxima requisição.
company-new-button = Cadastrar
company-unknown = A empresa { $name } não está cadastrada e, por isso, tem licença para tudo. Se não for um erro de digitação, continue.
company-unknown-meant = É isso mesmo, continuar
company-edit-title = Nome e licenças
company-block-lead = Todos os tokens desta empresa param na próxima requisição, e as pessoas dela são desconectadas e não podem mais entrar. Nada se perde: você pode desbloqueá-la a qualquer momento.
company-unblock-lead = Os tokens dela voltam a funcionar, exceto os que terminaram nesse meio-tempo ou cujo dono está bloqueado, e as pessoas dela podem entrar de novo.

## Contextos
contexts-title = Contextos
contexts-lead = Áreas que podem ser abertas a um token, definidas na configuração.
contexts-empty-title = Não há contextos
contexts-empty-help = Os tokens funcionam sem eles. Um contexto na configuração permite abrir uma área a um token, e outra não.
contexts-sample = Exemplo de contexto na configuração
contexts-opens = Abre
contexts-opens-none = nenhuma regra o exige
contexts-secret = um segredo, guardado com criptografia
contexts-text = texto
contexts-required = obrigatório
contexts-header = Enviado ao servidor de destino em
contexts-no-header = Não é enviado ao servidor de destino
contexts-tokens = Tokens ativos para { $name }

## Avisos
notices-title = Avisos
notices-lead = Webhooks que avisam sobre o que é importante.
notices-empty-title = Ainda não há webhooks
notices-empty-help = Os webhooks são definidos na configuração do gateway:
notices-sample = Exemplo de webhook na configuração
notices-caption = Webhooks com os avisos, a fila e a entrega mais recente
notices-name = Webhook
notices-kinds = Avisos
notices-waiting = Na fila
notices-last = Entrega mais recente
notices-none = nada foi enviado ainda
notices-facts = Sobre este webhook
notices-facts-help = Endereço, segredo e tipos de aviso são alterados na configuração.
notices-test = Enviar um teste
notices-failing = Nenhuma entrega bem-sucedida desde
notices-deliveries = Entregas
notices-deliveries-caption = Entregas, da mais recente para a mais antiga
notices-when = Quando
notices-kind = Aviso
notices-outcome = Resultado
notices-answer = Resposta
notices-next = Próxima tentativa
notices-no-next = nenhuma
notices-nth = tentativa { $count }
notices-took = { $count } ms
delivery-delivered = Entregue
delivery-retry = Será repetida
delivery-given-up = Não entregue
notice-token-expires-soon = Token vence em breve
notice-token-idles-out-soon = Token termina em breve por falta de uso
notice-token-revoked = Token revogado por outra pessoa
notice-token-leaked = Segredo vazou
notice-token-reused = Segredo substituído foi usado de novo
notice-rights-widened = Permissões ampliadas
notice-test = Teste

## A conta de quem lê
account-title = Minha conta
account-password = Trocar a senha
account-password-help = No mínimo 12 caracteres; uma frase é fácil de lembrar. Suas sessões em outros lugares são encerradas.
account-password-set = Trocar a senha
password-present = Senha atual
password-new = Nova senha
password-again = Nova senha mais uma vez

## Histórico
history-title = Histórico
history-lead = Todas as alterações: quem fez, quando e por quê. Os registros não podem ser modificados.
history-lead-part = Alterações que dizem respeito a você, à sua empresa e aos seus subordinados.
history-lead-token = Eventos do token
history-lead-user = Eventos de
history-lead-company = Eventos da empresa
history-empty = Ainda não aconteceu nada.
history-all = Histórico completo
history-filter = Buscar no histórico
history-kind = O que aconteceu
history-kind-any = Qualquer coisa
kinds-token = Tudo sobre tokens
kinds-owner = Tudo sobre usuários
kinds-company = Tudo sobre empresas
history-by = Feito por
history-since = A partir de
history-until = Antes de
history-of-company = Empresa
history-of-user = Usuário
history-of-token = Token (identificador)
history-none-fit = Nenhum evento encontrado.
history-go-on = Nenhum resultado até aqui. Há mais histórico para pesquisar.
history-search-on = Continuar a busca
event-by = por
event-token = token
event-user = usuário
event-company = empresa
event-more = { $count ->
    [one] e mais { $count } token
   *[other] e mais { $count } tokens
}
event-more-users = { $count ->
    [one] e mais { $count } usuário
   *[other] e mais { $count } usuários
}
event-many = { $count ->
    [one] Uma ação sobre { $count } token que correspondia a:
   *[other] Parte de uma ação sobre { $count } tokens que correspondiam a:
}
chain-title = Cadeia de eventos
chain-head = { $count ->
    [one] { $count } evento. Hash mais recente:
   *[other] { $count } eventos. Hash mais recente:
}
chain-check = Verificar toda a cadeia
chain-whole = A cadeia está íntegra
chain-whole-lead = { $count ->
    [one] { $count } evento foi verificado e não foi alterado.
   *[other] { $count } eventos foram verificados, cada um contra o anterior. Nenhum foi alterado nem falta.
}
chain-newest = Evento mais recente
chain-number = Número
chain-keep = Guarde este número e este hash em outro lugar: assim ninguém consegue cortar o fim do histórico sem que você perceba.
chain-broken = A cadeia está danificada
chain-broken-lead = Todos os eventos anteriores ao ponto abaixo foram verificados e não foram alterados. Não confie no que vem a partir dele.
chain-broken-place = Onde ela se rompe
chain-broken-file = Arquivo
chain-broken-what = O que foi encontrado
chain-broken-help = Não altere nada nessa pasta e avise quem cuida do servidor: tollgate history verify encontra o mesmo, e é possível restaurar um backup feito antes.
event-token-created = Token criado
event-token-updated = Token alterado
event-token-disabled = Token pausado
event-token-enabled = Token retomado
event-token-revoked = Token revogado
event-token-leaked = Token revogado: o segredo vazou
event-token-expired = Token vencido
event-token-idle-expired = Token vencido por falta de uso
event-token-first-used = Token usado pela primeira vez
event-token-expires-soon = Token vence em breve
event-token-idles-out-soon = Token termina em breve por falta de uso
event-token-reused = Segredo substituído foi usado depois do fim
event-token-rotated = Token substituído
event-token-retired = Token retirado após a substituição
event-token-exported = Tokens exportados com os hashes
event-owner-created = Usuário criado
event-owner-updated = Usuário alterado
event-owner-blocked = Usuário bloqueado
event-owner-unblocked = Usuário desbloqueado
event-company-created = Empresa cadastrada
event-company-updated = Empresa alterada
event-company-blocked = Empresa bloqueada
event-company-unblocked = Empresa desbloqueada
event-history-cut = O histórico continuou após uma perda
event-clock-mark-lowered = Último horário conhecido recuado
event-clock-trusted = Relógio confirmado como certo
field-name = Nome
field-app = Aplicação
field-description = Descrição
field-company = Empresa
field-expires-at = Término
field-not-before = Início
field-flags = Níveis de acesso
field-contexts = Contextos
field-items = Itens
field-params = Parâmetros
field-context-params = Parâmetros dos contextos
field-conditions = Condições
field-password = Senha
field-disabled = Pausa
field-blocked = Bloqueio
field-email = E-mail
field-parent = Subordinado a
field-roles = Papéis
field-ceiling = Nível de acesso máximo
field-limits = Limites
field-idle-ttl = Prazo sem uso
field-kind = Tipo
field-ended = Encerrado
field-rotated-to = Substituído por
field-retire-after-use = Funciona após o primeiro uso do sucessor

## Explicar
explain-title = Explicar uma requisição
explain-lead = Veja cada verificação pela qual uma requisição passaria, na ordem. Nada é enviado.
explain-method = Método
explain-url = Endereço
explain-token = Identificador do token
explain-token-help = Está na página do token.
explain-secret = Ou o segredo dele
explain-secret-help = Não é guardado.
explain-address = Endereço do cliente
explain-certificate = Certificado do cliente
explain-certificate-help = Em PEM. De quem é conta como verificado; o prazo é examinado.
explain-button = Explicar
explain-permitted = Seria permitida
explain-refused = Seria recusada
explain-rule = Regra
explain-of-token = Token
outcome-passed = passou
outcome-refused = a requisição é recusada aqui
outcome-not-reached = não chegou a esta verificação
check-method = Método
check-target-length = Comprimento do endereço
check-host = Host
check-path = Caminho
check-route = Rota
check-spelling = Caminho sem ambiguidade
check-preflight = Preflight do navegador
check-certificate = Certificado da conexão
check-clock = Relógio
check-credential = Credencial
check-digest = Token conhecido
check-not-revoked = Não revogado
check-not-disabled = Não pausado
check-owner-not-blocked = Dono não bloqueado
check-company-not-blocked = Empresa não bloqueada
check-active = Já vale
check-not-expired = Não vencido
check-not-idle = Não vencido por falta de uso
check-presenter = Certificado do cliente
check-time = Horário permitido
check-address = Rede
check-rule = Regra
check-subject = Titular do certificado
check-roles = Papéis
check-company = Empresa
check-context = Contexto
check-licence = Licença da empresa
check-parameters = Parâmetros do contexto
check-flags = Níveis de acesso
check-items = Itens
check-limits = Limites
check-identity = O que é informado ao servidor de destino

## O que foi feito
done-token-changed = Salvo.
done-token-disabled = O token está pausado.
done-token-enabled = O token voltou a funcionar.
done-token-revoked = O token foi revogado.
done-tokens-revoked = Os tokens foram revogados.
done-nothing = Não havia nada para alterar.
done-user-created = O usuário foi criado.
done-user-changed = O usuário foi alterado.
done-user-left = O usuário foi alterado. Alguns tokens dele ainda pertencem à empresa anterior: examine-os e revogue os que não devem continuar.
done-company-created = A empresa foi cadastrada.
done-company-changed = A empresa foi alterada.
done-company-blocked = A empresa foi bloqueada. Os tokens dela pararam, e as sessões das pessoas dela foram encerradas.
done-company-unblocked = A empresa foi desbloqueada.
done-webhook-took = O webhook aceitou o teste.
done-user-blocked = O usuário foi bloqueado. Os tokens dele pararam.
done-user-unblocked = O usuário foi desbloqueado.
done-user-password = A senha foi definida.
done-own-password = Sua senha foi trocada.
done-signed-out = Você saiu.
done-sign-in-first = Entre primeiro.
done-form-kept = Você entrou de novo, e aqui está o que tinha digitado. Nada foi salvo ainda; digite novamente os valores secretos.
done-form-again = Você entrou de novo depois de abrir este formulário. Nada foi salvo ainda: confira o que digitou, informe novamente os valores secretos e envie outra vez.
done-sign-in-kept = Sua sessão terminou e nada foi salvo. Entre, e o formulário volta como você o preencheu.
done-sign-in-lost = Sua sessão terminou e nada foi feito. Entre e repita a ação.
done-secret-away = Havia um segredo no endereço desta página, e ele foi removido. Busque pelos quatro últimos caracteres e, se outras pessoas veem o histórico deste navegador, troque o token.
done-secret-found = Este é o token do segredo que você buscou.
done-secret-unknown = Nenhum token visível para você tem esse segredo. Estes são os que terminam com os mesmos caracteres.

## O que está errado
clash-title = Outra pessoa alterou isto nesse meio-tempo
clash-help = Suas alterações ainda não foram salvas. Compare os dois lados, corrija o que for preciso e salve de novo.
clash-present = Ver o registro atual (em nova aba)
clash-same = O registro atual já está exatamente como você digitou.
clash-field = Campo
clash-typed = Você digitou
clash-held = No registro agora
clash-save = Salvar por cima

wrong-title = Algo ainda não está certo
wrong-name = Dê um nome de no máximo 200 caracteres, em uma linha.
wrong-owner = Informe o nome de um dono que exista.
wrong-app = A aplicação tem no máximo 200 caracteres, em uma linha.
wrong-company = Informe uma empresa pela qual este dono possa agir.
wrong-company-id = Informe a empresa pelo nome curto, por exemplo acme.
wrong-description = A descrição tem no máximo 2.000 caracteres.
wrong-secret-here = Retire deste texto o segredo de um token: o texto é guardado e mostrado.
wrong-lifetime = Escolha um término no futuro.
wrong-idle-ttl = Escolha um prazo que alcance além do último uso e não passe do que você pode dar.
wrong-expires-at = Escolha uma data no futuro.
wrong-expires-on = Escolha a data em que ele termina.
wrong-not-before = Escolha um início anterior ao término.
wrong-filter = Primeiro restrinja a lista: escolha ao menos um filtro.
wrong-filter-text = Busque por no máximo 200 caracteres, em uma linha.
wrong-filter-hint = Informe no máximo os quatro últimos caracteres de um segredo.
wrong-filter-choice = Escolha um valor da lista.
wrong-confirm = Veja o que é mostrado e envie o formulário a partir dali.
wrong-text = Escolha um arquivo ou cole o conteúdo dele aqui.
wrong-lines = Uma página aceita no máximo 500 linhas. Para mais, use `tollgate token import`.
wrong-columns = A primeira linha deve trazer nomes de colunas conhecidas, como owner,name,secret; o JSON deve estar completo.
wrong-draft = O arquivo não está mais guardado. Escolha-o de novo.
wrong-draft-secrets = Estes segredos não estão mais guardados. Cole-os de novo.
wrong-secrets = Cole ao menos um segredo e no máximo 1.000.
wrong-webhook = O webhook não aceitou o teste.
wrong-cursor = Esta página da lista não existe mais. Comece de novo.
wrong-contexts = Escolha contextos existentes que você possa abrir e para os quais a empresa tenha licença.
wrong-context-params = Preencha este parâmetro com um valor que o contexto aceite.
wrong-params = Escreva um objeto JSON, ou uma lista de objetos, de até 4.096 bytes.
wrong-flags = Escolha níveis de acesso que você e o dono tenham.
wrong-items = Itens são identificadores sem vírgulas nem barras.
wrong-conditions = Redes são assim: 192.0.2.0/24 ou 192.0.2.7.
wrong-conditions-certificate = Uma impressão digital tem 64 dígitos hexadecimais.
wrong-grace = Escolha por quanto tempo o segredo antigo ainda funciona.
wrong-after-use = Escolha por quanto tempo o segredo antigo funciona após o primeiro uso do novo.
wrong-limits = Limites são números inteiros a partir de 1.
wrong-conditions-windows = Escolha ao menos um dia e horários diferentes para o início e o fim, como 09:00 e 18:00.
wrong-reason = O motivo tem no máximo 500 caracteres, em uma linha.
wrong-id = Informe um nome de usuário com letras minúsculas, algarismos e . _ - + @.
wrong-email = Isto não é um endereço de e-mail.
wrong-parent = Informe o nome de um usuário que exista.
wrong-roles = Escolha papéis que você possa dar.
wrong-ceiling = Escolha níveis de acesso que você mesmo tenha.
wrong-password = Escolha uma senha de 12 a 200 caracteres que não seja o nome de usuário.
wrong-present = Esta não é a sua senha atual.
wrong-again = As duas senhas novas são diferentes.
wrong-wait = { $count ->
    [one] Senha incorreta muitas vezes. Tente de novo em { $count } segundo.
   *[other] Senha incorreta muitas vezes. Tente de novo em { $count } segundos.
}
wrong-method = Escolha um método.
wrong-url = Informe um endereço, por exemplo http://api.example/orders/1.
wrong-token = Isto não é o identificador de um token.
wrong-secret = Informe o identificador ou o segredo, não os dois.
wrong-address = Isto não é um endereço IP.
wrong-kind = Escolha na lista o que aconteceu.
wrong-subject = Informe só um: token, usuário ou empresa.
wrong-by = Informe um nome de usuário, ou system para o próprio gateway.
wrong-since = Informe uma data.
wrong-until = Informe uma data.

## Problemas: o que é e o que fazer
problem-bad-field = Falta um valor ou há um erro
problem-not-allowed = Mais do que você pode conceder
problem-forbidden = Você não tem permissão para isto
problem-not-found = Não encontrado
problem-exists = Este nome já existe
problem-ended = Este token já terminou
problem-rotated = Este token tem um sucessor
problem-clock-behind = O relógio do servidor está atrasado
problem-other-history = O histórico não confere
problem-conflict = Alguém alterou isto nesse meio-tempo
problem-busy = Muitas requisições ao mesmo tempo
problem-too-many-failures = Tentativas demais
problem-changed = Alguém alterou isto nesse meio-tempo
problem-not-as-shown = Estes não são os tokens que foram mostrados
problem-duplicate-secret = Outro token tem este segredo
problem-disk-full = O disco do servidor está cheio
problem-read-only = Alterações não são aceitas agora
problem-locked = O armazenamento está em uso
problem-damaged = O armazenamento está danificado
problem-unavailable = Indisponível no momento
problem-no-csrf-token = Este formulário expirou
problem-other-origin = Isto veio de outro site
problem-bad-request = Não foi possível ler a requisição
help-bad-field = Volte e veja o que você informou.
help-not-allowed = Ninguém concede mais do que tem. Fale com um administrador.
help-forbidden = Fale com um administrador, se você precisar.
help-not-found = Não existe, ou você não tem acesso.
help-exists = Escolha outro.
help-ended = Um término é definitivo. Crie um novo token.
help-rotated = Altere o sucessor.
help-clock-behind = Os tokens não podem ser avaliados até que o relógio seja acertado.
help-other-history = Algo foi alterado ou falta. Avise quem cuida do servidor e guarde uma cópia de tudo.
help-conflict = Veja como está agora e altere de novo.
help-busy = Tente de novo em instantes.
help-too-many-failures = Aguarde um pouco e tente de novo.
help-changed = Veja como está agora e altere de novo.
help-not-as-shown = Veja o que corresponde agora e envie o formulário de novo.
help-duplicate-secret = Use outro.
help-disk-full = As alterações voltam a ser aceitas quando houver espaço.
help-read-only = As requisições continuam sendo decididas. Tente mais tarde ou avise quem cuida do servidor.
help-locked = Tente de novo em instantes.
help-damaged = Avise quem cuida do servidor.
help-unavailable = Tente de novo em instantes.
help-no-csrf-token = Nada foi alterado. Volte, recarregue a página e envie de novo.
help-other-origin = Nada foi alterado. Abra este endereço você mesmo.
help-bad-request = Volte e tente de novo.
oops-home = Ir para a visão geral

## Gráficos
chart-label = Requisições ao longo do tempo; os mesmos números estão abaixo em uma tabela
chart-permitted = Permitidas
chart-refused = Recusadas
chart-permitted-n = permitidas { $name }
chart-refused-n = recusadas { $name }
chart-numbers = Em números
chart-day = Dia (UTC)
chart-minute = Minutos atrás
usage-title = Requisições por dia
usage-none = Nenhuma requisição com este token nos últimos 30 dias.
usage-days = Nos últimos 30 dias
live-title = Requisições
live-answered = respondidas por segundo
live-refused = recusadas por segundo
live-failed = com falha por segundo
live-hour = A última hora, minuto a minuto
live-hour-none = Nenhuma requisição na última hora.
live-reasons = Não passaram, por motivo
live-reasons-none = Nada foi recusado desde que o gateway iniciou.
live-reason = Motivo
live-times = Vezes
live-upstreams = Serviços de destino
live-upstream = Serviço
live-standing = Estado
live-under-way = Em andamento
live-ejections = Vezes fora de uso
upstream-up = Recebe requisições
upstream-returning = Voltando após falhas
upstream-left-out = Fora de uso após falhas
upstream-down = Verificação falhou
live-stop = Parar de atualizar
live-go-on = Voltar a atualizar
live-now = agora
refused-credential-missing = Nenhum token foi enviado
refused-credential-malformed = A credencial não pode ser lida
refused-credential-in-target = Havia um segredo no endereço
refused-unknown = Token desconhecido
refused-revoked = Token revogado
refused-disabled = Token pausado
refused-owner-blocked = O dono está bloqueado
refused-company-blocked = Empresa bloqueada
refused-not-yet-active = Ainda não é válido
refused-expired = Token vencido
refused-idle-expired = Sem uso por tempo demais
refused-wrong-presenter = Apresentado por outro cliente
refused-certificate-missing = Nenhum certificado de cliente apresentado
refused-subject-not-allowed = O certificado é de outro titular
refused-misdirected = Por uma conexão para outro host
refused-address-not-allowed = De um endereço não permitido
refused-time-not-allowed = Fora do horário permitido
refused-no-rule = Nenhuma regra para este caminho
refused-role-missing = Falta o papel exigido
refused-wrong-company = Token de outra empresa
refused-context-missing = Falta o contexto exigido
refused-context-unlicensed = Contexto sem licença
refused-parameter-missing = Falta um parâmetro do contexto
refused-flags-missing = Falta um nível de acesso
refused-item-not-allowed = Sem acesso a este item
refused-limited-rate = Rápido demais
refused-limited-quota = Cota esgotada
refused-limited-uses = Todos os usos esgotados
refused-limited-concurrent = Muitas ao mesmo tempo
refused-too-many-failures = Falhas demais de um endereço
refused-cannot-decide = O gateway não pôde decidir
refused-bad-host = Campo Host inválido
refused-bad-target = Endereço da requisição inválido
refused-bad-dot-segment = Pontos no caminho
refused-bad-slash = Barra codificada no caminho
refused-bad-empty-segment = Parte vazia no caminho
refused-bad-path-parameter = Parâmetro no caminho
refused-bad-encoding = Codificação inválida no caminho
refused-bad-framing = Tamanho do corpo ambíguo
refused-bad-body = Corpo com defeito
refused-bad-method = Método que não é repassado
refused-bad-connection = Campo Connection inválido
refused-bad-value = Campo com espaço na borda
refused-bad-company = Campo de empresa inválido
refused-bad-head = Cabeçalho que não é HTTP
refused-origin-not-allowed = Página de uma origem não permitida
refused-method-not-allowed = Método não permitido aqui
refused-expectation-failed = Expectativa desconhecida
refused-transfer-coding = Codificação de transferência que não pode ser lida
refused-body-timeout = O corpo chegou devagar demais
refused-body-too-large = Corpo grande demais
refused-target-too-long = Endereço longo demais
refused-head-too-large = Cabeçalho grande demais
refused-overloaded = O gateway estava sobrecarregado
refused-upstream-busy = O serviço tinha requisições demais
refused-upstream-unreachable = Serviço inacessível
refused-upstream-broken = O serviço interrompeu a resposta
refused-upstream-timeout = O serviço demorou demais
