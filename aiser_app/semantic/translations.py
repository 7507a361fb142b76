"""English words for what schemas call things in other languages: business words, written by hand.

They become synonyms, never titles: what a column is called stays as its owners wrote it.
"""

from __future__ import annotations

from aiser_app.domain.catalog import name_words

_GERMAN = (
    "kunde=customer kunden=customers kundennr=customer_number name=name bez=name bezeichnung=name "
    "strasse=street ort=city stadt=city land=country plz=postcode bestellung=order auftrag=order "
    "rechnung=invoice lieferung=delivery lieferant=supplier lieferanten=suppliers artikel=article "
    "produkt=product menge=quantity anzahl=number preis=price einzelpreis=unit_price betrag=amount "
    "summe=total umsatz=revenue kosten=cost rabatt=discount steuer=tax waehrung=currency "
    "waehr=currency datum=date jahr=year monat=month tag=day woche=week uhrzeit=time beginn=start "
    "ende=end dauer=duration gewicht=weight gew=weight laenge=length breite=width hoehe=height "
    "farbe=color groesse=size einheit=unit mitarbeiter=employee abteilung=department gehalt=salary "
    "eintritt=hired eintr=hired austritt=left austr=left geburtsdatum=birth_date geschlecht=gender "
    "filiale=branch lager=warehouse bestand=stock maschine=machine werk=plant schicht=shift "
    "pruefer=inspector pruefung=inspection fehler=defect ausschuss=scrap grund=reason "
    "schwere=severity geplant=planned ist=actual soll=planned aktiv=active baujahr=year_built "
    "material=material komponente=component komp=component zahlung=payment zahl=payment tage=days "
    "konto=account vertrag=contract zaehler=meter verbrauch=consumption ablesung=reading "
    "tarif=tariff gruppe=group grp=group typ=type kategorie=category beschreibung=description "
    "bemerkung=remark erstellt=created geaendert=changed anrede=salutation vorname=first_name "
    "nachname=last_name benutzer=user fahrer=driver fahrzeug=vehicle strecke=route ankunft=arrival "
    "abfahrt=departure gast=guest zimmer=room buchung=booking naechte=nights"
)
_ROMANCE = (
    "client=customer clients=customers cliente=customer clientes=customers nom=name prenom=first_name "
    "nombre=name apellido=last_name nome=name cognome=last_name rue=street ville=city ciudad=city "
    "citta=city cidade=city pays=country pais=country paese=country commande=order pedido=order "
    "ordine=order facture=invoice factura=invoice fattura=invoice fatura=invoice livraison=delivery "
    "entrega=delivery fournisseur=supplier proveedor=supplier fornitore=supplier produit=product "
    "producto=product prodotto=product produto=product quantite=quantity cantidad=quantity "
    "quantita=quantity quantidade=quantity prix=price precio=price prezzo=price preco=price "
    "montant=amount importe=amount importo=amount valor=value total=total ventes=sales ventas=sales "
    "vendite=sales vendas=sales cout=cost coste=cost costo=cost custo=cost remise=discount "
    "descuento=discount sconto=discount impuesto=tax fecha=date annee=year ano=year anno=year "
    "mois=month mes=month mese=month jour=day dia=day giorno=day semaine=week semana=week "
    "debut=start inicio=start inizio=start fin=end duree=duration duracion=duration durata=duration "
    "poids=weight peso=weight employe=employee empleado=employee dipendente=employee "
    "departamento=department salaire=salary salario=salary stipendio=salary magasin=store "
    "tienda=store negozio=store loja=store compte=account cuenta=account conto=account conta=account "
    "estado=status etat=status stato=status categorie=category categoria=category tipo=type "
    "moneda=currency devise=currency valuta=currency motif=reason motivo=reason usuario=user"
)
_DUTCH = (
    "klant=customer klanten=customers naam=name straat=street plaats=city bestelling=order "
    "factuur=invoice levering=delivery leverancier=supplier aantal=quantity prijs=price "
    "bedrag=amount omzet=revenue korting=discount jaar=year maand=month dag=day gewicht=weight "
    "medewerker=employee afdeling=department winkel=store voorraad=stock reden=reason"
)
_MEANT = {
    word: meaning.replace("_", " ")
    for text in (_GERMAN, _ROMANCE, _DUTCH)
    for word, _, meaning in (pair.partition("=") for pair in text.split())
}


def english_synonym(name: str, title: str) -> str:
    """The title in English, when a word of the name is another language's; else an empty text.

    “Machine bez” of `mach_bez` is “machine name”.
    """
    foreign = [word for word in name_words(name) if _MEANT.get(word, word) != word]
    if not foreign:
        return ""
    words = [_MEANT.get(word.casefold(), word.casefold()) for word in title.split()]
    return " ".join(words)
