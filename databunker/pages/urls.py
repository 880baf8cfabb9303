from django.urls import path

from . import preferences

urlpatterns = [
    path("preferences/theme", preferences.set_theme, name="theme"),
    path("preferences/language", preferences.set_language, name="language"),
]
