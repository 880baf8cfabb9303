from django.urls import path

from . import colours, preferences

urlpatterns = [
    path("colours.css", colours.stylesheet, name="colours"),
    path("preferences/theme", preferences.set_theme, name="theme"),
    path("preferences/language", preferences.set_language, name="language"),
]
