"""Organisation: the structures that take part, and the users who act for them.

Each feature is a package with the layers of a service (`domain`, `application`, `adapters`,
`entrypoints`), from those that know the others down to what all know:

- `accounts`: users, their attachments to structures, their habilitations.
- `structures`: who they are, their services, their parameters.
- `audit`: what was done, by whom, in a hash chain for each structure, user and machine.
- `machines`: programs that act for structures, their secrets, and their tokens.
- `sheets`: the sheets of marchés, by which deposits are checked.

`mails` has the French texts of its mails, `data`. `bootstrap` puts them together.
"""
