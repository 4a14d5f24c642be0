"""French sentences of the virtual agent."""

GREETING = (
    "Bonjour, je suis l'agent virtuel de l'assistance. Je réponds à partir d'articles, que je "
    "cite, et je peux dire où en est une pièce dont vous me donnez le numéro."
)


WELCOME = "Je vous en prie. Je reste à votre disposition pour toute autre question."


UNSURE = (
    "Je n'ai pas trouvé de réponse sûre à cette question, et je préfère ne rien inventer. Vous "
    "pouvez la reformuler."
)


NO_ACCOUNT = (
    "Pour dire où en est une pièce, il me faut savoir pour quelle structure vous agissez : "
    "connectez-vous, puis reposez la question."
)


PORTAL_AWAY = "Le suivi des pièces ne répond pas pour le moment. Réessayez dans quelques minutes."


NOT_FOUND = (
    "Je ne trouve aucune pièce de numéro {number} dans les dossiers de votre structure, dans le "
    "rôle pour lequel vous agissez. Vérifiez le numéro, la structure et le rôle ; si elle vient "
    "d'être déposée, redemandez dans un instant."
)


ASKS_EMAIL = (
    "Je peux transmettre la demande d'un nouveau lien d'activation. Quelle est l'adresse "
    "électronique du compte ?"
)


CONFIRMS = (
    "Dois-je transmettre la demande d'un nouveau lien d'activation pour le compte {email} ? "
    "Répondez par oui ou par non."
)


DROPPED = "Bien : rien n'est transmis."


PASSED_ON = (
    "La demande est transmise. Si un compte attend son activation à cette adresse, un nouveau "
    "lien y sera envoyé."
)


ALREADY_PASSED_ON = (
    "La demande d'un lien d'activation a déjà été transmise dans cette conversation. Si rien "
    "n'arrive, déposez un ticket."
)


TOO_MANY_LINKS = "Trop de liens ont été demandés depuis une heure. Réessayez plus tard."


EMAIL_REFUSED = "Cette adresse électronique n'a pas la bonne forme. Quelle est la bonne ?"


PERSON_AVAILABLE = (
    "Une personne peut vous répondre par tchat maintenant. Un ticket se dépose à toute heure."
)


TICKET = "Voici un ticket prérempli avec notre conversation : relisez-le, complétez-le, déposez-le."
