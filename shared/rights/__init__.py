"""Rights: who may use which route, decided from one declared table and the caller's habilitations.

`applications.csv` is the catalogue of domains and applications. `rights.csv` names what each route
needs. `decide` judges a caller against a need; it is pure, and knows neither HTTP nor the store.
"""
